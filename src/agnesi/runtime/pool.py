"""The thread pool, written once in LLVM IR: what generated code runs parts of a loop on.

How it works.  A job is a function, a context and a number of parts, which are dealt to *lanes*, one
for each thread that may join.  The caller takes lane 0 and every worker the lane of its own number;
then each looks for lanes that nobody has taken, so that a worker that sleeps, or whose core is busy
with another process, holds nobody up.  With more parts than lanes a lane has several that follow
each other; who is done with its own takes parts of other lanes.

``@word`` tells the workers of a job: a number that grows, with the number of lanes in its low bits.
A lane is taken by putting the job's word into its slot where a smaller one stands.  So a worker
that is late finds the lanes of an old job taken; and who has taken one may read the job, since it
is not over before that lane is done.  The fields of a job are written before its word is.

Workers spin for a while, then let others run between two looks, then sleep on a condition variable;
the caller wakes them if there are sleepers.  Only one job runs at a time: where the pool is in use,
by another thread or by the job that the caller itself belongs to, the caller runs all parts.

Small jobs are worth it only if nobody has to be woken.  So they ask whether the workers are awake;
where small jobs follow each other closely, they are woken once, and stay awake.

OpenBLAS must not have its number of threads changed while it computes: whoever has given the GIL
away is counted, and the number changes when nobody has.

In a *gang* every lane runs on a thread of its own, at the same time, so that lanes may wait for
each other; the caller waits until it has the pool.
"""

from __future__ import annotations

import platform
import sys
import time

# Lanes at most; the width of their number in a word, the bit of a gang, and one job more.
MOST_THREADS = 256
_LANES, _GANG, _NEXT = 0xFFFF, 0x10000, 0x20000

# Looks before others are let run, some 20 us, and between two such times; nanoseconds of such
# politeness before a worker sleeps.
_LOOKS, _BETWEEN = 2000, 64
_PATIENCE = 100_000
# Small jobs that follow each other, each within so many nanoseconds, before workers are woken.
_CLOSE, _STREAK = 100_000, 16
# Memory of a worker's stack: kernels have up to 1 MB of private memory.
_STACK = 8 << 20

# What `pthread_sigmask` calls replacing the mask; signals that a fault raises in the thread itself.
_SET_MASK = 3 if sys.platform == "darwin" else 2
_FAULTS = (4, 8, 10 if sys.platform == "darwin" else 7, 11)


def _pause() -> tuple[str, str]:
    """Return the declaration and the call that tell this CPU that a thread only waits."""
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"
    if machine in ("arm64", "aarch64"):
        return "declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"
    return "", "call i32 @sched_yield()"


def pool_text() -> str:
    """Return the module of the pool for this machine."""
    declared, pause = _pause()
    text = _TEXT
    for name, value in {
        "DECLARED": declared,
        "PAUSE": pause,
        "LANES": _LANES,
        "GANG": _GANG,
        "NEXT": _NEXT,
        "SLOTS": MOST_THREADS,
        "LOOKS": _LOOKS,
        "BETWEEN": _BETWEEN,
        "PATIENCE": _PATIENCE,
        "CLOSE": _CLOSE,
        "STREAK": _STREAK,
        "STACK": _STACK,
        "SET_MASK": _SET_MASK,
        "CLOCK": getattr(time, "CLOCK_MONOTONIC", 1),
        "KEEP_FAULTS": "\n  ".join(f"call i32 @sigdelset(ptr %all, i32 {n})" for n in _FAULTS),
    }.items():
        text = text.replace(f"${name}$", str(value))
    return text


# Functions of the C library that it calls.
C_FUNCTIONS = (
    "pthread_create", "pthread_detach", "pthread_attr_init", "pthread_attr_setstacksize",
    "pthread_attr_destroy", "pthread_mutex_init", "pthread_mutex_lock", "pthread_mutex_unlock",
    "pthread_cond_init", "pthread_cond_wait", "pthread_cond_signal", "pthread_cond_broadcast",
    "pthread_sigmask", "sigfillset", "sigdelset", "sched_yield", "clock_gettime",
)  # fmt: skip

# What other modules may name.
POOL_FUNCTIONS = (
    "agnesi_parallel", "agnesi_gang", "agnesi_blas_jobs", "agnesi_pool_reset", "agnesi_leave",
    "agnesi_return", "agnesi_blas_threads", "agnesi_awake",
)  # fmt: skip
# The number of threads, an i64.
THREADS = "agnesi_threads"

_TEXT = """
%slot = type { i64, i64, i64, [40 x i8] }
%jobs = type { ptr, ptr, i64, i32 }

@agnesi_threads = global i64 1, align 64
; Under the GIL: calls that have given it away, what sets OpenBLAS's threads, and the number that it
; has yet to be told, or 0.
@away = internal global i64 0
@setter = internal global ptr null
@wanted = internal global i32 0
@owner = internal global i32 0, align 64
@word = internal global i64 0, align 64
@function = internal global ptr null, align 64
@context = internal global ptr null
@parts = internal global i64 0
@slots = internal global [$SLOTS$ x %slot] zeroinitializer, align 64
@started = internal global i64 0, align 64
@ready = internal global i64 0
@sleepers = internal global i64 0, align 64
; When the last small job was met while workers slept, and how many followed each other closely.
@small = internal global i64 0, align 64
@streak = internal global i64 0
@mutex = internal global [256 x i8] zeroinitializer, align 64
@condition = internal global [256 x i8] zeroinitializer, align 64

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(ptr)
declare i32 @pthread_attr_init(ptr)
declare i32 @pthread_attr_setstacksize(ptr, i64)
declare i32 @pthread_attr_destroy(ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare i32 @sigdelset(ptr, i32)
declare i32 @sched_yield()
declare i32 @clock_gettime(i32, ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
$DECLARED$

; Tell OpenBLAS its number of threads, unless somebody may be computing.
define internal void @settle() {
entry:
  %away = load i64, ptr @away
  %alone = icmp eq i64 %away, 0
  %wanted = load i32, ptr @wanted
  %open = icmp ne i32 %wanted, 0
  %now = and i1 %alone, %open
  br i1 %now, label %tell, label %out
tell:
  %setter = load ptr, ptr @setter
  call void %setter(i32 %wanted)
  store i32 0, ptr @wanted
  br label %out
out:
  ret void
}

; void agnesi_blas_threads(void (*setter)(int), int wanted)
define void @agnesi_blas_threads(ptr %setter, i32 %wanted) {
  store ptr %setter, ptr @setter
  store i32 %wanted, ptr @wanted
  call void @settle()
  ret void
}

; Give the GIL away; what is returned gets it back.
define ptr @agnesi_leave() {
  call void @settle()
  %away = load i64, ptr @away
  %more = add i64 %away, 1
  store i64 %more, ptr @away
  %state = call ptr @PyEval_SaveThread()
  ret ptr %state
}

define void @agnesi_return(ptr %state) {
  call void @PyEval_RestoreThread(ptr %state)
  %away = load i64, ptr @away
  %less = sub i64 %away, 1
  store i64 %less, ptr @away
  ret void
}

; Run parts of the job that belong to a lane that this thread has taken.
define internal void @lane(i64 %lane, i64 %lanes) noinline {
entry:
  %function = load ptr, ptr @function
  %context = load ptr, ptr @context
  %parts = load i64, ptr @parts
  %one = icmp eq i64 %parts, %lanes
  br i1 %one, label %own, label %turn
own:
  call void %function(ptr %context, i64 %lane, i64 %parts)
  ret void
turn:
  ; Its own parts first, which follow each other; then those that are left of the next lanes.
  %offset = phi i64 [ 0, %entry ], [ %offset.next, %over ]
  %others = icmp slt i64 %offset, %lanes
  br i1 %others, label %choose, label %done
choose:
  %sum = add i64 %lane, %offset
  %chosen = urem i64 %sum, %lanes
  %after = add i64 %chosen, 1
  %first.all = mul i64 %chosen, %parts
  %first = udiv i64 %first.all, %lanes
  %last.all = mul i64 %after, %parts
  %last = udiv i64 %last.all, %lanes
  %next = getelementptr [$SLOTS$ x %slot], ptr @slots, i64 0, i64 %chosen, i32 2
  br label %draw
draw:
  %number = atomicrmw add ptr %next, i64 1 monotonic
  %part = add i64 %first, %number
  %more = icmp slt i64 %part, %last
  br i1 %more, label %run, label %over
run:
  call void %function(ptr %context, i64 %part, i64 %parts)
  br label %draw
over:
  %offset.next = add i64 %offset, 1
  br label %turn
done:
  ret void
}

; Take a lane of the job with this word, unless somebody has.
define internal i1 @take(i64 %lane, i64 %word) {
entry:
  %place = getelementptr [$SLOTS$ x %slot], ptr @slots, i64 0, i64 %lane
  %old = load atomic i64, ptr %place acquire, align 8
  %free = icmp ult i64 %old, %word
  br i1 %free, label %try, label %no
try:
  %pair = cmpxchg ptr %place, i64 %old, i64 %word acq_rel acquire
  %won = extractvalue { i64, i1 } %pair, 1
  ret i1 %won
no:
  ret i1 false
}

define internal void @finish(i64 %lane, i64 %word) {
  %place = getelementptr [$SLOTS$ x %slot], ptr @slots, i64 0, i64 %lane, i32 1
  store atomic i64 %word, ptr %place release, align 8
  ret void
}

; Run every lane that is still free.
define internal void @help(i64 %word, i64 %lanes) {
entry:
  br label %look
look:
  %lane = phi i64 [ 1, %entry ], [ %lane.next, %again ]
  %more = icmp slt i64 %lane, %lanes
  br i1 %more, label %try, label %out
try:
  %taken = call i1 @take(i64 %lane, i64 %word)
  br i1 %taken, label %run, label %again
run:
  call void @lane(i64 %lane, i64 %lanes)
  call void @finish(i64 %lane, i64 %word)
  br label %again
again:
  %lane.next = add i64 %lane, 1
  br label %look
out:
  ret void
}

define internal i64 @now() {
  %time = alloca [2 x i64], align 16
  call i32 @clock_gettime(i32 $CLOCK$, ptr %time)
  %seconds = load i64, ptr %time
  %second = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %second
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %rest
  ret i64 %sum
}

; Wait until there is another word than the one that was seen.
define internal i64 @await(i64 %seen) noinline {
entry:
  br label %spin
spin:
  %looks = phi i64 [ 0, %entry ], [ %looks.next, %idle ]
  %word = load atomic i64, ptr @word acquire, align 8
  %new = icmp ne i64 %word, %seen
  br i1 %new, label %got, label %idle
got:
  ret i64 %word
idle:
  $PAUSE$
  %looks.next = add i64 %looks, 1
  %hot = icmp slt i64 %looks.next, $LOOKS$
  br i1 %hot, label %spin, label %polite
polite:
  %start = call i64 @now()
  br label %yield
yield:
  call i32 @sched_yield()
  br label %between
between:
  %b = phi i64 [ 0, %yield ], [ %b.next, %old2 ]
  $PAUSE$
  %word2 = load atomic i64, ptr @word acquire, align 8
  %new2 = icmp ne i64 %word2, %seen
  br i1 %new2, label %got2, label %old2
old2:
  %b.next = add i64 %b, 1
  %b.more = icmp slt i64 %b.next, $BETWEEN$
  br i1 %b.more, label %between, label %clock
got2:
  ret i64 %word2
clock:
  %now = call i64 @now()
  %waited = sub i64 %now, %start
  %patient = icmp slt i64 %waited, $PATIENCE$
  br i1 %patient, label %yield, label %sleep
sleep:
  call i32 @pthread_mutex_lock(ptr @mutex)
  atomicrmw add ptr @sleepers, i64 1 seq_cst
  br label %check
check:
  %word3 = load atomic i64, ptr @word seq_cst, align 8
  %new3 = icmp ne i64 %word3, %seen
  br i1 %new3, label %awake, label %wait
wait:
  call i32 @pthread_cond_wait(ptr @condition, ptr @mutex)
  br label %check
awake:
  atomicrmw sub ptr @sleepers, i64 1 seq_cst
  call i32 @pthread_mutex_unlock(ptr @mutex)
  ret i64 %word3
}

define internal ptr @worker(ptr %argument) {
entry:
  %own = ptrtoint ptr %argument to i64
  br label %again
again:
  %seen = phi i64 [ 0, %entry ], [ %word, %join ], [ %word, %steal ]
  %word = call i64 @await(i64 %seen)
  %lanes = and i64 %word, $LANES$
  %within = icmp slt i64 %own, %lanes
  br i1 %within, label %try, label %join
try:
  %taken = call i1 @take(i64 %own, i64 %word)
  br i1 %taken, label %run, label %join
run:
  call void @lane(i64 %own, i64 %lanes)
  call void @finish(i64 %own, i64 %word)
  br label %join
join:
  %gang = and i64 %word, $GANG$
  %together = icmp ne i64 %gang, 0
  br i1 %together, label %again, label %steal
steal:
  call void @help(i64 %word, i64 %lanes)
  br label %again
}

; Start the workers that are missing; return how many there are.
define internal i64 @start(i64 %wanted) noinline {
entry:
  %thread = alloca ptr, align 16
  %attributes = alloca [256 x i8], align 64
  %all = alloca [256 x i8], align 64
  %old = alloca [256 x i8], align 64
  %ready = load i64, ptr @ready
  %first = icmp eq i64 %ready, 0
  br i1 %first, label %initialise, label %count
initialise:
  call i32 @pthread_mutex_init(ptr @mutex, ptr null)
  call i32 @pthread_cond_init(ptr @condition, ptr null)
  store i64 1, ptr @ready
  br label %count
count:
  %have = load i64, ptr @started
  %enough = icmp sge i64 %have, %wanted
  br i1 %enough, label %out, label %create
create:
  ; Signals are for the program's own threads, except those of a fault.
  call i32 @sigfillset(ptr %all)
  $KEEP_FAULTS$
  call i32 @pthread_sigmask(i32 $SET_MASK$, ptr %all, ptr %old)
  call i32 @pthread_attr_init(ptr %attributes)
  call i32 @pthread_attr_setstacksize(ptr %attributes, i64 $STACK$)
  %number = add i64 %have, 1
  %argument = inttoptr i64 %number to ptr
  %failed = call i32 @pthread_create(ptr %thread, ptr %attributes, ptr @worker, ptr %argument)
  call i32 @pthread_attr_destroy(ptr %attributes)
  call i32 @pthread_sigmask(i32 $SET_MASK$, ptr %old, ptr null)
  %made = icmp eq i32 %failed, 0
  br i1 %made, label %started, label %out
started:
  %handle = load ptr, ptr %thread
  call i32 @pthread_detach(ptr %handle)
  store i64 %number, ptr @started
  br label %count
out:
  %workers = load i64, ptr @started
  ret i64 %workers
}

define internal void @wake(i64 %wanted) noinline {
entry:
  call i32 @pthread_mutex_lock(ptr @mutex)
  %sleepers = load atomic i64, ptr @sleepers monotonic, align 8
  %all = icmp sle i64 %sleepers, %wanted
  br i1 %all, label %everyone, label %some
everyone:
  call i32 @pthread_cond_broadcast(ptr @condition)
  br label %out
some:
  %left = phi i64 [ %wanted, %entry ], [ %left.next, %some ]
  call i32 @pthread_cond_signal(ptr @condition)
  %left.next = add i64 %left, -1
  %more = icmp sgt i64 %left.next, 0
  br i1 %more, label %some, label %out
out:
  call i32 @pthread_mutex_unlock(ptr @mutex)
  ret void
}

; Wait until a lane is done.
define internal void @join(i64 %lane, i64 %word) {
entry:
  %place = getelementptr [$SLOTS$ x %slot], ptr @slots, i64 0, i64 %lane, i32 1
  br label %look
look:
  %looks = phi i64 [ 0, %entry ], [ %looks.next, %wait ], [ %looks.next, %yield ]
  %done = load atomic i64, ptr %place acquire, align 8
  %over = icmp eq i64 %done, %word
  br i1 %over, label %out, label %later
later:
  %looks.next = add i64 %looks, 1
  %hot = icmp slt i64 %looks.next, $LOOKS$
  br i1 %hot, label %wait, label %yield
wait:
  $PAUSE$
  br label %look
yield:
  call i32 @sched_yield()
  br label %look
out:
  ret void
}

; Run a job on the pool, which the caller holds.
define internal void @run(ptr %function, ptr %context, i64 %parts, i64 %lanes, i64 %gang) {
entry:
  store ptr %function, ptr @function
  store ptr %context, ptr @context
  store i64 %parts, ptr @parts
  br label %reset
reset:
  %r = phi i64 [ 0, %entry ], [ %r.next, %reset ]
  %r.place = getelementptr [$SLOTS$ x %slot], ptr @slots, i64 0, i64 %r, i32 2
  store i64 0, ptr %r.place
  %r.next = add i64 %r, 1
  %r.more = icmp slt i64 %r.next, %lanes
  %several = icmp sgt i64 %parts, %lanes
  %r.again = and i1 %r.more, %several
  br i1 %r.again, label %reset, label %publish
publish:
  %last = load atomic i64, ptr @word monotonic, align 8
  %plain = and i64 %last, -$NEXT$
  %following = add i64 %plain, $NEXT$
  %counted = or i64 %following, %lanes
  %word = or i64 %counted, %gang
  store atomic i64 %word, ptr @slots monotonic, align 8
  store atomic i64 %word, ptr @word seq_cst, align 8
  %sleepers = load atomic i64, ptr @sleepers seq_cst, align 8
  %asleep = icmp ne i64 %sleepers, 0
  br i1 %asleep, label %rouse, label %own
rouse:
  %others = add i64 %lanes, -1
  %everyone = icmp ne i64 %gang, 0
  %wanted = select i1 %everyone, i64 $SLOTS$, i64 %others
  call void @wake(i64 %wanted)
  br label %own
own:
  call void @lane(i64 0, i64 %lanes)
  %together = icmp ne i64 %gang, 0
  br i1 %together, label %wait, label %steal
steal:
  call void @help(i64 %word, i64 %lanes)
  br label %wait
wait:
  %lane = phi i64 [ 1, %own ], [ 1, %steal ], [ %lane.next, %joined ]
  %more = icmp slt i64 %lane, %lanes
  br i1 %more, label %joined, label %out
joined:
  call void @join(i64 %lane, i64 %word)
  %lane.next = add i64 %lane, 1
  br label %wait
out:
  ret void
}

; void agnesi_parallel(void (*)(void *context, i64 part, i64 parts), void *context, i64 parts)
define void @agnesi_parallel(ptr %function, ptr %context, i64 %parts) {
entry:
  %threads = load atomic i64, ptr @agnesi_threads monotonic, align 8
  %few = icmp slt i64 %parts, %threads
  %lanes = select i1 %few, i64 %parts, i64 %threads
  %single = icmp sle i64 %lanes, 1
  br i1 %single, label %serial, label %claim
claim:
  %pair = cmpxchg ptr @owner, i32 0, i32 1 acquire monotonic
  %won = extractvalue { i32, i1 } %pair, 1
  br i1 %won, label %hold, label %serial
hold:
  %wanted = add i64 %lanes, -1
  %workers = call i64 @start(i64 %wanted)
  %all = icmp sge i64 %workers, %wanted
  %present = add i64 %workers, 1
  %used = select i1 %all, i64 %lanes, i64 %present
  call void @run(ptr %function, ptr %context, i64 %parts, i64 %used, i64 0)
  store atomic i32 0, ptr @owner release, align 4
  ret void
serial:
  %part = phi i64 [ 0, %entry ], [ 0, %claim ], [ %part.next, %body ]
  %more = icmp slt i64 %part, %parts
  br i1 %more, label %body, label %out
body:
  call void %function(ptr %context, i64 %part, i64 %parts)
  %part.next = add i64 %part, 1
  br label %serial
out:
  ret void
}

; i1 agnesi_awake(): whether a job that is not worth waking workers for may go to the pool: they are
; awake, or such jobs come so often that it is time to wake them.  Nothing depends on who wins here.
define i1 @agnesi_awake() {
entry:
  %started = load atomic i64, ptr @started monotonic, align 8
  %some = icmp sgt i64 %started, 0
  %sleepers = load atomic i64, ptr @sleepers monotonic, align 8
  %none = icmp eq i64 %sleepers, 0
  %awake = and i1 %some, %none
  br i1 %awake, label %yes, label %asleep
asleep:
  %now = call i64 @now()
  %last = load atomic i64, ptr @small monotonic, align 8
  store atomic i64 %now, ptr @small monotonic, align 8
  %gap = sub i64 %now, %last
  %near = icmp slt i64 %gap, $CLOSE$
  %streak = load atomic i64, ptr @streak monotonic, align 8
  %more = add i64 %streak, 1
  %count = select i1 %near, i64 %more, i64 0
  %often = icmp sge i64 %count, $STREAK$
  %kept = select i1 %often, i64 0, i64 %count
  store atomic i64 %kept, ptr @streak monotonic, align 8
  ret i1 %often
yes:
  ret i1 true
}

; i32 agnesi_gang(function, context, parts): all parts at once, each on a thread of its own, once
; the pool is free; 0 if there are not as many threads.
define i32 @agnesi_gang(ptr %function, ptr %context, i64 %parts) {
entry:
  br label %claim
claim:
  %pair = cmpxchg ptr @owner, i32 0, i32 1 acquire monotonic
  %won = extractvalue { i32, i1 } %pair, 1
  br i1 %won, label %hold, label %wait
wait:
  call i32 @sched_yield()
  br label %claim
hold:
  %wanted = add i64 %parts, -1
  %fits = icmp sle i64 %parts, $SLOTS$
  %possible = select i1 %fits, i64 %wanted, i64 0
  %workers = call i64 @start(i64 %possible)
  %enough = icmp sge i64 %workers, %wanted
  br i1 %enough, label %run, label %out
run:
  call void @run(ptr %function, ptr %context, i64 %parts, i64 %parts, i64 $GANG$)
  br label %out
out:
  %done = zext i1 %enough to i32
  store atomic i32 0, ptr @owner release, align 4
  ret i32 %done
}

; What OpenBLAS has its jobs run by; they wait for each other.  Each is given its place in `data`.
define void @agnesi_blas_jobs(i32 %sync, ptr %job, i32 %count, i64 %size, ptr %data, i32 %more) {
entry:
  %context = alloca %jobs, align 16
  %job.place = getelementptr %jobs, ptr %context, i64 0, i32 0
  store ptr %job, ptr %job.place
  %data.place = getelementptr %jobs, ptr %context, i64 0, i32 1
  store ptr %data, ptr %data.place
  %size.place = getelementptr %jobs, ptr %context, i64 0, i32 2
  store i64 %size, ptr %size.place
  %more.place = getelementptr %jobs, ptr %context, i64 0, i32 3
  store i32 %more, ptr %more.place
  %parts = sext i32 %count to i64
  %done = call i32 @agnesi_gang(ptr @blas_job, ptr %context, i64 %parts)
  %failed = icmp eq i32 %done, 0
  br i1 %failed, label %serial, label %out
serial:
  ; The system has no more threads: all that is left to try.
  %part = phi i64 [ 0, %entry ], [ %part.next, %body ]
  %left = icmp slt i64 %part, %parts
  br i1 %left, label %body, label %out
body:
  call void @blas_job(ptr %context, i64 %part, i64 %parts)
  %part.next = add i64 %part, 1
  br label %serial
out:
  ret void
}

define internal void @blas_job(ptr %context, i64 %part, i64 %parts) {
  %job.place = getelementptr %jobs, ptr %context, i64 0, i32 0
  %job = load ptr, ptr %job.place
  %data.place = getelementptr %jobs, ptr %context, i64 0, i32 1
  %data = load ptr, ptr %data.place
  %size.place = getelementptr %jobs, ptr %context, i64 0, i32 2
  %size = load i64, ptr %size.place
  %more.place = getelementptr %jobs, ptr %context, i64 0, i32 3
  %more = load i32, ptr %more.place
  %offset = mul i64 %part, %size
  %own = getelementptr i8, ptr %data, i64 %offset
  %number = trunc i64 %part to i32
  call void %job(i32 %number, ptr %own, i32 %more)
  ret void
}

; In the child of a fork: there are no workers, and nobody holds the pool.
define void @agnesi_pool_reset() {
  %last = load i64, ptr @word
  %plain = and i64 %last, -$NEXT$
  %following = add i64 %plain, $NEXT$
  store i64 %following, ptr @word
  store i64 0, ptr @started
  store i64 0, ptr @ready
  store i64 0, ptr @sleepers
  store i32 0, ptr @owner
  store i64 0, ptr @away
  ret void
}
"""
