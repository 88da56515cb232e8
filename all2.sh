for t in tensor/nnet/tests/test_corr.py tensor/nnet/tests/test_blocksparse.py tensor/nnet/tests/test_sigm.py tensor/nnet/tests/test_corr3d.py tensor/nnet/tests/test_nnet.py ; do
 n=$(echo $t | tr / _); timeout 200 /tmp/nnet/suite/run.sh /work/wt/nnet $t > /tmp/nnet/new_$n.txt 2>&1; echo "$n $(tail -1 /tmp/nnet/new_$n.txt)" >> /tmp/nnet/new2.txt
done
