"""Letting other Python threads run, in LLVM IR; ``runtime/turns.py`` says what turns are."""

from __future__ import annotations

# void agnesi_claim(ptr table, i64 count, i64 keep): wait for a turn with all variables of a table;
# begin it unless `keep` is 0, when the call ends before another thread can run.
# void agnesi_end(ptr table, i64 count): end it.
# Entries are addresses of two words, odd where the variable is written.
TURNS = """
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare i32 @nanosleep(ptr, ptr)

define void @agnesi_claim(ptr %table, i64 %count, i64 %keep) {
entry:
  %time = alloca [2 x i64], align 16
  br label %again
again:
  br label %look
look:
  %k = phi i64 [ 0, %again ], [ %k.next, %free ]
  %more = icmp slt i64 %k, %count
  br i1 %more, label %one, label %begin
one:
  %place = getelementptr i64, ptr %table, i64 %k
  %entry.word = load i64, ptr %place
  %written = and i64 %entry.word, 1
  %address = xor i64 %entry.word, %written
  %cell = inttoptr i64 %address to ptr
  %state = load i64, ptr %cell
  %writes = icmp ne i64 %written, 0
  %k.next = add i64 %k, 1
  br i1 %writes, label %alone, label %shared
alone:
  %nobody = icmp eq i64 %state, 0
  br i1 %nobody, label %free, label %wait
shared:
  %second = getelementptr i64, ptr %cell, i64 1
  %wanted = load i64, ptr %second
  %reading = icmp sge i64 %state, 0
  %unwanted = icmp eq i64 %wanted, 0
  %good = and i1 %reading, %unwanted
  br i1 %good, label %free, label %wait
free:
  br label %look

begin:
  %b = phi i64 [ 0, %look ], [ %b.next, %begun ]
  %b.more = icmp slt i64 %b, %count
  br i1 %b.more, label %take, label %out
take:
  %b.place = getelementptr i64, ptr %table, i64 %b
  %b.entry = load i64, ptr %b.place
  %b.written = and i64 %b.entry, 1
  %b.address = xor i64 %b.entry, %b.written
  %b.cell = inttoptr i64 %b.address to ptr
  %b.state = load i64, ptr %b.cell
  %b.second = getelementptr i64, ptr %b.cell, i64 1
  %b.next = add i64 %b, 1
  %b.writes = icmp ne i64 %b.written, 0
  br i1 %b.writes, label %clear, label %enter
clear:
  ; Whoever else waits to write says so again.
  store i64 0, ptr %b.second
  br label %enter
enter:
  %b.more.readers = add i64 %b.state, 1
  %b.new = select i1 %b.writes, i64 -1, i64 %b.more.readers
  %b.keeps = icmp ne i64 %keep, 0
  br i1 %b.keeps, label %put, label %begun
put:
  store i64 %b.new, ptr %b.cell
  br label %begun
begun:
  br label %begin
out:
  ret void

wait:
  br label %note
note:
  %n = phi i64 [ 0, %wait ], [ %n.next, %noted ]
  %n.more = icmp slt i64 %n, %count
  br i1 %n.more, label %mark, label %sleep
mark:
  %n.place = getelementptr i64, ptr %table, i64 %n
  %n.entry = load i64, ptr %n.place
  %n.written = and i64 %n.entry, 1
  %n.address = xor i64 %n.entry, %n.written
  %n.cell = inttoptr i64 %n.address to ptr
  %n.second = getelementptr i64, ptr %n.cell, i64 1
  %n.next = add i64 %n, 1
  %n.writes = icmp ne i64 %n.written, 0
  br i1 %n.writes, label %want, label %noted
want:
  store i64 1, ptr %n.second
  br label %noted
noted:
  br label %note
sleep:
  %state.saved = call ptr @PyEval_SaveThread()
  store i64 0, ptr %time
  %fraction = getelementptr i64, ptr %time, i64 1
  store i64 20000, ptr %fraction
  call i32 @nanosleep(ptr %time, ptr null)
  call void @PyEval_RestoreThread(ptr %state.saved)
  br label %again
}

define void @agnesi_end(ptr %table, i64 %count) {
entry:
  br label %look
look:
  %k = phi i64 [ 0, %entry ], [ %k.next, %one ]
  %more = icmp slt i64 %k, %count
  br i1 %more, label %one, label %out
one:
  %place = getelementptr i64, ptr %table, i64 %k
  %word = load i64, ptr %place
  %written = and i64 %word, 1
  %address = xor i64 %word, %written
  %cell = inttoptr i64 %address to ptr
  %state = load i64, ptr %cell
  %fewer = add i64 %state, -1
  %writes = icmp ne i64 %written, 0
  %new = select i1 %writes, i64 0, i64 %fewer
  store i64 %new, ptr %cell
  %k.next = add i64 %k, 1
  br label %look
out:
  ret void
}
"""
