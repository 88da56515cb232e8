"""The allocator of large buffers, in LLVM IR: freed memory is kept for the next of its size.

Fresh memory is what large results cost most: the system clears every page when it is first
touched.  So a buffer that is given back waits, idle, for someone who wants its size.  No Python
runs in here: NumPy frees an array's data at any time, in any thread.

A buffer begins with a header of 64 bytes; its data follow, aligned to 64 bytes.  Sizes are those of
classes, eight to an octave, so that at most an eighth is lost.  Idle buffers are in two lists: that
of their class, the last one given back first, and that of all by age.  Whoever gives a buffer back
drops idle ones, oldest first, that exceed the limit or were not asked for while ``_AGE`` others
were: so that sizes which change all the time do not pile up.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys

from agnesi.core import knobs
from agnesi.runtime import groups

# Buffers below are malloc's alone: not kept, not counted.
SMALL = 2**16
# From here on buffers have mappings of their own, of whole huge pages.
_OWN = 2**23
# What smaller ones are cut from.
_SLAB = 2**25
# A huge page; mappings ask for them where the system has any.
_HUGE = 2**21
# How many buffers are asked for until an idle one of a size that nobody wants is dropped.
_AGE = 256
# Nothing has more.
_MOST = 2**56
_CLASSES = 512

# What other generated code may call, and what Python calls.
EXPORTED = (
    "agnesi_take",
    "agnesi_give",
    "agnesi_new_array",
    "agnesi_memory_start",
    "agnesi_memory_capsule",
    "agnesi_memory_limit",
    "agnesi_memory_counts",
    "agnesi_memory_release",
    "agnesi_memory_lock",
    "agnesi_memory_unlock",
    "agnesi_arena_release",
)

# Fields of a header: the mapping or slab that it is in, bytes in all, class (-1: malloc's), kind
# (0: of an array, 1: scratch), the time it was given back, neighbours in the list of its class and
# in the list by age.
_STATE = f"""
%header = type {{ ptr, i64, i32, i32, i64, ptr, ptr, ptr, ptr }}

@lock = internal global ptr null
@limit = internal global i64 0
@clock = internal global i64 0
@used = internal global [2 x i64] zeroinitializer
@idle = internal global i64 0
@peak = internal global i64 0
@count = internal global i64 0
@idle_count = internal global i64 0
@bins = internal global [{_CLASSES} x ptr] zeroinitializer
@oldest = internal global ptr null
@newest = internal global ptr null
; Where a list has no neighbour to write to.
@nowhere = internal global ptr null
; The slab that buffers are cut from, and how far; its first word counts those not dropped yet.
@slab = internal global ptr null
@slab_used = internal global i64 0
@capsule = internal global ptr null
@layout_known = internal global i1 false

declare ptr @malloc(i64)
declare void @free(ptr)
declare i32 @PyThread_acquire_lock(ptr, i32)
declare void @PyThread_release_lock(ptr)
declare ptr @PyThread_allocate_lock()
declare ptr @PyCapsule_New(ptr, ptr, ptr)
declare void @Py_DecRef(ptr)
declare void @Py_IncRef(ptr)
declare void @PyErr_Fetch(ptr, ptr, ptr)
declare void @PyErr_Restore(ptr, ptr, ptr)
declare i32 @PyTraceMalloc_Track(i32, ptr, i64)
declare ptr @numpy_PyDataMem_SetHandler(ptr)
declare ptr @numpy_PyDataMem_GetHandler()
@numpy_PyArray_Type = external global i8
declare ptr @numpy_PyArray_New(ptr, i32, ptr, i32, ptr, ptr, i32, i32, ptr)
declare i64 @llvm.ctlz.i64(i64, i1)
declare i64 @llvm.umax.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)
declare {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""

# Mappings are whole huge pages, aligned by cutting one that is longer by one.
_MAPPINGS = """
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare i32 @munmap(ptr, i64)
declare i32 @madvise(ptr, i64, i32)

define internal ptr @map(i64 %asked) {{
entry:
  %more = add i64 %asked, {rest}
  %bytes = and i64 %more, -{huge}
  %longer = add i64 %bytes, {huge}
  %made = call ptr @mmap(ptr null, i64 %longer, i32 3, i32 {flags}, i32 -1, i64 0)
  %number = ptrtoint ptr %made to i64
  %failed = icmp eq i64 %number, -1
  br i1 %failed, label %none, label %cut
cut:
  %negative = sub i64 0, %number
  %head = and i64 %negative, {rest}
  %start = getelementptr i8, ptr %made, i64 %head
  %end = getelementptr i8, ptr %start, i64 %bytes
  %tail = sub i64 {huge}, %head
  %aligned = icmp eq i64 %head, 0
  br i1 %aligned, label %rear, label %front
front:
  call i32 @munmap(ptr %made, i64 %head)
  br label %rear
rear:
  call i32 @munmap(ptr %end, i64 %tail)
  {advise}
  ret ptr %start
none:
  ret ptr null
}}

define internal void @unmap(ptr %start, i64 %asked) {{
  %more = add i64 %asked, {rest}
  %bytes = and i64 %more, -{huge}
  call i32 @munmap(ptr %start, i64 %bytes)
  ret void
}}

; Let the system have the whole pages of a part of a mapping.
define internal void @discard(ptr %start, i64 %bytes) {{
  %number = ptrtoint ptr %start to i64
  %negative = sub i64 0, %number
  %head = and i64 %negative, {page_rest}
  %first = getelementptr i8, ptr %start, i64 %head
  %left = sub i64 %bytes, %head
  %whole = and i64 %left, {page_mask}
  {discard}
  ret void
}}
"""

# Systems without mmap have malloc for buffers of every size.
_NO_MAPPINGS = """
define internal ptr @map(i64 %bytes) {
  %made = call ptr @malloc(i64 %bytes)
  ret ptr %made
}

define internal void @unmap(ptr %start, i64 %bytes) {
  call void @free(ptr %start)
  ret void
}

define internal void @discard(ptr %start, i64 %bytes) {
  ret void
}
"""

_LISTS = f"""
define void @agnesi_memory_lock() {{
  %lock = load ptr, ptr @lock
  call i32 @PyThread_acquire_lock(ptr %lock, i32 1)
  ret void
}}

define void @agnesi_memory_unlock() {{
  %lock = load ptr, ptr @lock
  call void @PyThread_release_lock(ptr %lock)
  ret void
}}

; Cut a block from a slab; the lock is held.  Null without memory.
define internal ptr @slab_take(i64 %bytes) {{
entry:
  %slab = load ptr, ptr @slab
  %used = load i64, ptr @slab_used
  %end = add i64 %used, %bytes
  %none = icmp eq ptr %slab, null
  %full = icmp ugt i64 %end, {_SLAB}
  %over = or i1 %none, %full
  br i1 %over, label %fresh, label %cut
fresh:
  %made = call ptr @map(i64 {_SLAB})
  %failed = icmp eq ptr %made, null
  br i1 %failed, label %nothing, label %change
change:
  call void @slab_close()
  store i64 0, ptr %made
  store ptr %made, ptr @slab
  br label %cut
cut:
  %from = phi ptr [ %slab, %entry ], [ %made, %change ]
  %at = phi i64 [ %used, %entry ], [ 64, %change ]
  %live = load i64, ptr %from
  %live.now = add i64 %live, 1
  store i64 %live.now, ptr %from
  %at.next = add i64 %at, %bytes
  store i64 %at.next, ptr @slab_used
  %block = getelementptr i8, ptr %from, i64 %at
  ret ptr %block
nothing:
  ret ptr null
}}

; Cut no more from the slab: without blocks it goes back now, else with the last of them.
define internal void @slab_close() {{
entry:
  %slab = load ptr, ptr @slab
  %none = icmp eq ptr %slab, null
  br i1 %none, label %done, label %look
look:
  %live = load i64, ptr %slab
  %empty = icmp eq i64 %live, 0
  store ptr null, ptr @slab
  br i1 %empty, label %go, label %done
go:
  call void @unmap(ptr %slab, i64 {_SLAB})
  br label %done
done:
  ret void
}}

; Give a block in no list back to the system; the lock is held, and let go while the system works.
define internal i64 @drop(ptr %block) {{
entry:
  %home = load ptr, ptr %block
  %bytes.place = getelementptr %header, ptr %block, i64 0, i32 1
  %bytes = load i64, ptr %bytes.place
  %own = icmp uge i64 %bytes, {_OWN}
  br i1 %own, label %mapped, label %slab
mapped:
  call void @agnesi_memory_unlock()
  call void @unmap(ptr %home, i64 %bytes)
  call void @agnesi_memory_lock()
  ret i64 %bytes
slab:
  %live = load i64, ptr %home
  %live.now = sub i64 %live, 1
  store i64 %live.now, ptr %home
  %empty = icmp eq i64 %live.now, 0
  %current = load ptr, ptr @slab
  %in.use = icmp eq ptr %current, %home
  br i1 %empty, label %last, label %part
last:
  br i1 %in.use, label %restart, label %whole
restart:
  ; It will be cut anew.
  store i64 64, ptr @slab_used
  ret i64 %bytes
whole:
  call void @agnesi_memory_unlock()
  call void @unmap(ptr %home, i64 {_SLAB})
  call void @agnesi_memory_lock()
  ret i64 %bytes
part:
  ; Nobody else knows the block, but the slab could go while the lock is free.
  call void @discard(ptr %block, i64 %bytes)
  ret i64 %bytes
}}

; Write the header of a block in a mapping or slab.
define internal ptr @place(ptr %block, ptr %home, i64 %bytes, i32 %class) {{
  store ptr %home, ptr %block
  %bytes.place = getelementptr %header, ptr %block, i64 0, i32 1
  store i64 %bytes, ptr %bytes.place
  %class.place = getelementptr %header, ptr %block, i64 0, i32 2
  store i32 %class, ptr %class.place
  ret ptr %block
}}

; Make a block idle: the first of its class, the newest of all.
define internal void @link(ptr %block) {{
  %bytes.place = getelementptr %header, ptr %block, i64 0, i32 1
  %bytes = load i64, ptr %bytes.place
  %class.place = getelementptr %header, ptr %block, i64 0, i32 2
  %class = load i32, ptr %class.place
  %bin = getelementptr ptr, ptr @bins, i32 %class
  %head = load ptr, ptr %bin
  %before.place = getelementptr %header, ptr %block, i64 0, i32 5
  store ptr null, ptr %before.place
  %after.place = getelementptr %header, ptr %block, i64 0, i32 6
  store ptr %head, ptr %after.place
  %empty = icmp eq ptr %head, null
  %head.before = getelementptr %header, ptr %head, i64 0, i32 5
  %back = select i1 %empty, ptr @nowhere, ptr %head.before
  store ptr %block, ptr %back
  store ptr %block, ptr %bin
  %last = load ptr, ptr @newest
  %older.place = getelementptr %header, ptr %block, i64 0, i32 7
  store ptr %last, ptr %older.place
  %newer.place = getelementptr %header, ptr %block, i64 0, i32 8
  store ptr null, ptr %newer.place
  %only = icmp eq ptr %last, null
  %last.newer = getelementptr %header, ptr %last, i64 0, i32 8
  %forward = select i1 %only, ptr @oldest, ptr %last.newer
  store ptr %block, ptr %forward
  store ptr %block, ptr @newest
  %now = load i64, ptr @clock
  %time.place = getelementptr %header, ptr %block, i64 0, i32 4
  store i64 %now, ptr %time.place
  %idle = load i64, ptr @idle
  %idle.now = add i64 %idle, %bytes
  store i64 %idle.now, ptr @idle
  %count = load i64, ptr @idle_count
  %count.now = add i64 %count, 1
  store i64 %count.now, ptr @idle_count
  ret void
}}

; Take a block out of both lists.
define internal void @unlink(ptr %block) {{
  %bytes.place = getelementptr %header, ptr %block, i64 0, i32 1
  %bytes = load i64, ptr %bytes.place
  %class.place = getelementptr %header, ptr %block, i64 0, i32 2
  %class = load i32, ptr %class.place
  %bin = getelementptr ptr, ptr @bins, i32 %class
  %before.place = getelementptr %header, ptr %block, i64 0, i32 5
  %before = load ptr, ptr %before.place
  %after.place = getelementptr %header, ptr %block, i64 0, i32 6
  %after = load ptr, ptr %after.place
  %first = icmp eq ptr %before, null
  %before.after = getelementptr %header, ptr %before, i64 0, i32 6
  %forward = select i1 %first, ptr %bin, ptr %before.after
  store ptr %after, ptr %forward
  %final = icmp eq ptr %after, null
  %after.before = getelementptr %header, ptr %after, i64 0, i32 5
  %back = select i1 %final, ptr @nowhere, ptr %after.before
  store ptr %before, ptr %back
  %older.place = getelementptr %header, ptr %block, i64 0, i32 7
  %older = load ptr, ptr %older.place
  %newer.place = getelementptr %header, ptr %block, i64 0, i32 8
  %newer = load ptr, ptr %newer.place
  %eldest = icmp eq ptr %older, null
  %older.newer = getelementptr %header, ptr %older, i64 0, i32 8
  %younger = select i1 %eldest, ptr @oldest, ptr %older.newer
  store ptr %newer, ptr %younger
  %youngest = icmp eq ptr %newer, null
  %newer.older = getelementptr %header, ptr %newer, i64 0, i32 7
  %elder = select i1 %youngest, ptr @newest, ptr %newer.older
  store ptr %older, ptr %elder
  %idle = load i64, ptr @idle
  %idle.now = sub i64 %idle, %bytes
  store i64 %idle.now, ptr @idle
  %count = load i64, ptr @idle_count
  %count.now = sub i64 %count, 1
  store i64 %count.now, ptr @idle_count
  ret void
}}

; Drop idle blocks, oldest first, while there are more bytes than that, or they are older than that.
; The lock is held, and let go while the system works.
define internal i64 @trim(i64 %limit, i64 %age) {{
entry:
  br label %look
look:
  %freed = phi i64 [ 0, %entry ], [ %freed.now, %drop ]
  %block = load ptr, ptr @oldest
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %judge
judge:
  %idle = load i64, ptr @idle
  %many = icmp ugt i64 %idle, %limit
  %now = load i64, ptr @clock
  %time.place = getelementptr %header, ptr %block, i64 0, i32 4
  %time = load i64, ptr %time.place
  %since = sub i64 %now, %time
  %old = icmp ugt i64 %since, %age
  %goes = or i1 %many, %old
  br i1 %goes, label %drop, label %done
drop:
  call void @unlink(ptr %block)
  %bytes = call i64 @drop(ptr %block)
  %freed.now = add i64 %freed, %bytes
  br label %look
done:
  ret i64 %freed
}}
"""

_BUFFERS = f"""
; ptr agnesi_take(i64 bytes, i64 kind): memory, aligned to 64 bytes; null without memory.
define ptr @agnesi_take(i64 %bytes, i64 %kind) {{
entry:
  %absurd = icmp ugt i64 %bytes, {_MOST}
  br i1 %absurd, label %nothing, label %sane
sane:
  %need = add i64 %bytes, 128
  %small = icmp ult i64 %need, {SMALL}
  br i1 %small, label %plain, label %large
plain:
  %p.raw = call ptr @malloc(i64 %need)
  %p.failed = icmp eq ptr %p.raw, null
  br i1 %p.failed, label %nothing, label %plain.made
plain.made:
  %p.number = ptrtoint ptr %p.raw to i64
  %p.negative = sub i64 0, %p.number
  %p.skip = and i64 %p.negative, 63
  %p.at = getelementptr i8, ptr %p.raw, i64 %p.skip
  %p.block = call ptr @place(ptr %p.at, ptr %p.raw, i64 %need, i32 -1)
  %p.data = getelementptr i8, ptr %p.block, i64 64
  ret ptr %p.data
large:
  ; The class is the place of the highest bit and the three bits after it, of the last byte.
  %last = sub i64 %need, 1
  %zeros = call i64 @llvm.ctlz.i64(i64 %last, i1 true)
  %shift = sub i64 60, %zeros
  %top = lshr i64 %last, %shift
  %octave = shl i64 %shift, 3
  %class = add i64 %octave, %top
  %steps = add i64 %top, 1
  %total = shl i64 %steps, %shift
  %most = add i64 %class, 2
  call void @agnesi_memory_lock()
  %clock = load i64, ptr @clock
  %clock.now = add i64 %clock, 1
  store i64 %clock.now, ptr @clock
  br label %look
look:
  %c = phi i64 [ %class, %large ], [ %c.next, %more ]
  %bin = getelementptr ptr, ptr @bins, i64 %c
  %kept = load ptr, ptr %bin
  %none = icmp eq ptr %kept, null
  br i1 %none, label %more, label %reuse
more:
  %c.next = add i64 %c, 1
  %within = icmp ule i64 %c.next, %most
  br i1 %within, label %look, label %fresh
reuse:
  call void @unlink(ptr %kept)
  br label %account
fresh:
  %tried = phi i1 [ false, %more ], [ true, %press ]
  %own = icmp uge i64 %total, {_OWN}
  br i1 %own, label %mapped, label %cut
mapped:
  call void @agnesi_memory_unlock()
  %m.made = call ptr @map(i64 %total)
  call void @agnesi_memory_lock()
  br label %made
cut:
  %s.made = call ptr @slab_take(i64 %total)
  %slab = load ptr, ptr @slab
  br label %made
made:
  %at = phi ptr [ %m.made, %mapped ], [ %s.made, %cut ]
  %home = phi ptr [ %m.made, %mapped ], [ %slab, %cut ]
  %failed = icmp eq ptr %at, null
  br i1 %failed, label %refused, label %new
refused:
  call void @agnesi_memory_unlock()
  br i1 %tried, label %nothing, label %press
press:
  ; Once more, without what is idle.
  call i64 @agnesi_memory_release()
  call void @agnesi_memory_lock()
  br label %fresh
new:
  %class.32 = trunc i64 %class to i32
  %placed = call ptr @place(ptr %at, ptr %home, i64 %total, i32 %class.32)
  br label %account
account:
  %block = phi ptr [ %kept, %reuse ], [ %placed, %new ]
  %kind.place = getelementptr %header, ptr %block, i64 0, i32 3
  %kind.32 = trunc i64 %kind to i32
  store i32 %kind.32, ptr %kind.place
  call void @tally(ptr %block, i64 1)
  call void @agnesi_memory_unlock()
  %data = getelementptr i8, ptr %block, i64 64
  ret ptr %data
nothing:
  ret ptr null
}}

; Count one block more (1) or less (-1) in use.
define internal void @tally(ptr %block, i64 %sign) {{
  %bytes.place = getelementptr %header, ptr %block, i64 0, i32 1
  %bytes = load i64, ptr %bytes.place
  %kind.place = getelementptr %header, ptr %block, i64 0, i32 3
  %kind = load i32, ptr %kind.place
  %used.place = getelementptr i64, ptr @used, i32 %kind
  %used = load i64, ptr %used.place
  %change = mul i64 %bytes, %sign
  %used.now = add i64 %used, %change
  store i64 %used.now, ptr %used.place
  %count = load i64, ptr @count
  %count.now = add i64 %count, %sign
  store i64 %count.now, ptr @count
  %held = call i64 @held()
  %peak = load i64, ptr @peak
  %peak.now = call i64 @llvm.umax.i64(i64 %peak, i64 %held)
  store i64 %peak.now, ptr @peak
  ret void
}}

define internal i64 @held() {{
  %arrays = load i64, ptr @used
  %scratch.place = getelementptr i64, ptr @used, i64 1
  %scratch = load i64, ptr %scratch.place
  %idle = load i64, ptr @idle
  %both = add i64 %arrays, %scratch
  %all = add i64 %both, %idle
  ret i64 %all
}}

; void agnesi_give(ptr data): take memory back; null is none.
define void @agnesi_give(ptr %data) {{
entry:
  %none = icmp eq ptr %data, null
  br i1 %none, label %done, label %some
some:
  %block = getelementptr i8, ptr %data, i64 -64
  %raw = load ptr, ptr %block
  %bytes.place = getelementptr %header, ptr %block, i64 0, i32 1
  %bytes = load i64, ptr %bytes.place
  %class.place = getelementptr %header, ptr %block, i64 0, i32 2
  %class = load i32, ptr %class.place
  %plain = icmp slt i32 %class, 0
  br i1 %plain, label %small, label %large
small:
  call void @free(ptr %raw)
  br label %done
large:
  call void @agnesi_memory_lock()
  call void @tally(ptr %block, i64 -1)
  %limit = load i64, ptr @limit
  %beyond = icmp ugt i64 %bytes, %limit
  br i1 %beyond, label %drop, label %keep
drop:
  call i64 @drop(ptr %block)
  call void @agnesi_memory_unlock()
  br label %done
keep:
  call void @link(ptr %block)
  call i64 @trim(i64 %limit, i64 {_AGE})
  call void @agnesi_memory_unlock()
  br label %done
done:
  ret void
}}

; i64 agnesi_memory_release(): give all idle memory back to the system; how many bytes.  The peak
; counts anew.
define i64 @agnesi_memory_release() {{
entry:
  call void @agnesi_memory_lock()
  %freed = call i64 @trim(i64 0, i64 -1)
  %slab = load ptr, ptr @slab
  %none = icmp eq ptr %slab, null
  br i1 %none, label %count, label %look
look:
  %live = load i64, ptr %slab
  %empty = icmp eq i64 %live, 0
  br i1 %empty, label %close, label %count
close:
  call void @slab_close()
  br label %count
count:
  %held = call i64 @held()
  store i64 %held, ptr @peak
  call void @agnesi_memory_unlock()
  ret i64 %freed
}}

; void agnesi_memory_limit(i64 bytes): how much may be idle.
define void @agnesi_memory_limit(i64 %limit) {{
  call void @agnesi_memory_lock()
  store i64 %limit, ptr @limit
  call i64 @trim(i64 %limit, i64 -1)
  call void @agnesi_memory_unlock()
  ret void
}}

; void agnesi_memory_counts(ptr seven): arrays, scratch, idle, peak, buffers, idle buffers, limit.
define void @agnesi_memory_counts(ptr %out) {{
  call void @agnesi_memory_lock()
  %arrays = load i64, ptr @used
  store i64 %arrays, ptr %out
  %scratch.from = getelementptr i64, ptr @used, i64 1
  %scratch = load i64, ptr %scratch.from
  %scratch.to = getelementptr i64, ptr %out, i64 1
  store i64 %scratch, ptr %scratch.to
  %idle = load i64, ptr @idle
  %idle.to = getelementptr i64, ptr %out, i64 2
  store i64 %idle, ptr %idle.to
  %peak = load i64, ptr @peak
  %peak.to = getelementptr i64, ptr %out, i64 3
  store i64 %peak, ptr %peak.to
  %count = load i64, ptr @count
  %count.to = getelementptr i64, ptr %out, i64 4
  store i64 %count, ptr %count.to
  %kept = load i64, ptr @idle_count
  %kept.to = getelementptr i64, ptr %out, i64 5
  store i64 %kept, ptr %kept.to
  %limit = load i64, ptr @limit
  %limit.to = getelementptr i64, ptr %out, i64 6
  store i64 %limit, ptr %limit.to
  call void @agnesi_memory_unlock()
  ret void
}}

; i64 agnesi_arena_release(ptr arena, ptr bytes, ptr busy): take back the scratch memory that a
; function keeps, unless the function is running; how many bytes.
define i64 @agnesi_arena_release(ptr %arena, ptr %bytes, ptr %busy) {{
entry:
  %claim = cmpxchg ptr %busy, i64 0, i64 1 acq_rel monotonic
  %claimed = extractvalue {{ i64, i1 }} %claim, 1
  br i1 %claimed, label %free, label %running
free:
  %data = load ptr, ptr %arena
  %freed = load i64, ptr %bytes
  store ptr null, ptr %arena
  store i64 0, ptr %bytes
  store atomic i64 0, ptr %busy release, align 8
  call void @agnesi_give(ptr %data)
  ret i64 %freed
running:
  ret i64 0
}}
"""

# Of NumPy: places in an array, flags (those of an ordinary array in C order), the number of
# float64, and its domain for tracemalloc.
_ARRAY_FLAGS, _ARRAY_HANDLER = 64, 88
_OWNS_DATA, _ORDINARY = 0x4, 0x501
_DOUBLE, _NUMPY_DOMAIN = 12, 389047

# NumPy's interface for those who manage the memory of arrays: a structure in a capsule.
_NAME = "agnesi" + r"\00" * 121
_HANDLER = f"""
@handler = internal global {{ [127 x i8], i8, ptr, ptr, ptr, ptr, ptr }} {{
  [127 x i8] c"{_NAME}", i8 1, ptr null,
  ptr @handler_malloc, ptr @handler_calloc, ptr @handler_realloc, ptr @handler_free }}
@capsule_name = internal constant [12 x i8] c"mem_handler\\00"

define internal ptr @handler_malloc(ptr %context, i64 %bytes) {{
  %made = call ptr @agnesi_take(i64 %bytes, i64 0)
  ret ptr %made
}}

define internal ptr @handler_calloc(ptr %context, i64 %number, i64 %each) {{
entry:
  %product = call {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64 %number, i64 %each)
  %bytes = extractvalue {{ i64, i1 }} %product, 0
  %over = extractvalue {{ i64, i1 }} %product, 1
  %asked = select i1 %over, i64 -1, i64 %bytes
  %made = call ptr @agnesi_take(i64 %asked, i64 0)
  %none = icmp eq ptr %made, null
  br i1 %none, label %done, label %clear
clear:
  call void @llvm.memset.p0.i64(ptr %made, i8 0, i64 %bytes, i1 false)
  br label %done
done:
  ret ptr %made
}}

; What fits stays where it is, unless half of the buffer would be lost.
define internal ptr @handler_realloc(ptr %context, ptr %data, i64 %bytes) {{
entry:
  %none = icmp eq ptr %data, null
  br i1 %none, label %first, label %again
first:
  %only = call ptr @agnesi_take(i64 %bytes, i64 0)
  ret ptr %only
again:
  %total.place = getelementptr i8, ptr %data, i64 -56
  %total = load i64, ptr %total.place
  %room = sub i64 %total, 128
  %fits = icmp ule i64 %bytes, %room
  %half = lshr i64 %room, 1
  %much = icmp uge i64 %bytes, %half
  %stays = and i1 %fits, %much
  br i1 %stays, label %same, label %move
same:
  ret ptr %data
move:
  %made = call ptr @agnesi_take(i64 %bytes, i64 0)
  %failed = icmp eq ptr %made, null
  br i1 %failed, label %done, label %copy
copy:
  %common = call i64 @llvm.umin.i64(i64 %room, i64 %bytes)
  call void @llvm.memcpy.p0.p0.i64(ptr %made, ptr %data, i64 %common, i1 false)
  call void @agnesi_give(ptr %data)
  br label %done
done:
  ret ptr %made
}}

define internal void @handler_free(ptr %context, ptr %data, i64 %bytes) {{
  call void @agnesi_give(ptr %data)
  ret void
}}

; void agnesi_memory_start(i64 limit): get ready.
define void @agnesi_memory_start(i64 %limit) {{
  %lock = call ptr @PyThread_allocate_lock()
  store ptr %lock, ptr @lock
  store i64 %limit, ptr @limit
  %made = call ptr @PyCapsule_New(ptr @handler, ptr @capsule_name, ptr null)
  store ptr %made, ptr @capsule
  %known = call i1 @known_layout()
  store i1 %known, ptr @layout_known
  ret void
}}

; ptr agnesi_memory_capsule(): what NumPy wants to be given, which lives for ever.
define ptr @agnesi_memory_capsule() {{
  %capsule = load ptr, ptr @capsule
  call void @Py_IncRef(ptr %capsule)
  ret ptr %capsule
}}

; Whether an array's handler is where we think it is: that of an ordinary one is the usual one.
define internal i1 @known_layout() {{
entry:
  %dims = alloca i64
  store i64 8, ptr %dims
  %array = call ptr @numpy_PyArray_New(
      ptr @numpy_PyArray_Type, i32 1, ptr %dims, i32 {_DOUBLE}, ptr null, ptr null, i32 0, i32 0,
      ptr null)
  %none = icmp eq ptr %array, null
  br i1 %none, label %no, label %look
look:
  %usual = call ptr @numpy_PyDataMem_GetHandler()
  %handler.place = getelementptr i8, ptr %array, i64 {_ARRAY_HANDLER}
  %handler = load ptr, ptr %handler.place
  %same = icmp eq ptr %usual, %handler
  %flags.place = getelementptr i8, ptr %array, i64 {_ARRAY_FLAGS}
  %flags = load i32, ptr %flags.place
  %owns = and i32 %flags, {_OWNS_DATA}
  %marked = icmp ne i32 %owns, 0
  %known = and i1 %same, %marked
  call void @Py_DecRef(ptr %usual)
  call void @Py_DecRef(ptr %array)
  ret i1 %known
no:
  ret i1 false
}}

; What PyArray_New does, with memory from here; its argument itemsize is needed.
define ptr @agnesi_new_array(
    ptr %type, i32 %ndim, ptr %dims, i32 %number, ptr %strides, ptr %data, i32 %itemsize,
    i32 %flags, ptr %like) {{
entry:
  %known = load i1, ptr @layout_known
  %item = sext i32 %itemsize to i64
  br i1 %known, label %sizes, label %slow
sizes:
  %axis = phi i32 [ 0, %entry ], [ %axis.next, %axis.done ]
  %bytes = phi i64 [ %item, %entry ], [ %bytes.next, %axis.done ]
  %more = icmp slt i32 %axis, %ndim
  br i1 %more, label %axis.do, label %take
axis.do:
  %dim.place = getelementptr i64, ptr %dims, i32 %axis
  %dim = load i64, ptr %dim.place
  %product = call {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64 %bytes, i64 %dim)
  %bytes.next = extractvalue {{ i64, i1 }} %product, 0
  %over = extractvalue {{ i64, i1 }} %product, 1
  br i1 %over, label %slow, label %axis.done
axis.done:
  %axis.next = add i32 %axis, 1
  br label %sizes
take:
  %made = call ptr @agnesi_take(i64 %bytes, i64 0)
  %none = icmp eq ptr %made, null
  br i1 %none, label %slow, label %wrap
wrap:
  %array = call ptr @numpy_PyArray_New(
      ptr %type, i32 %ndim, ptr %dims, i32 %number, ptr null, ptr %made, i32 0, i32 {_ORDINARY},
      ptr null)
  %no.array = icmp eq ptr %array, null
  br i1 %no.array, label %drop, label %own
own:
  ; Ours from here on: NumPy frees the data through the handler.
  %flags.place = getelementptr i8, ptr %array, i64 {_ARRAY_FLAGS}
  %flags.old = load i32, ptr %flags.place
  %flags.new = or i32 %flags.old, {_OWNS_DATA}
  store i32 %flags.new, ptr %flags.place
  %capsule = load ptr, ptr @capsule
  call void @Py_IncRef(ptr %capsule)
  %handler.place = getelementptr i8, ptr %array, i64 {_ARRAY_HANDLER}
  store ptr %capsule, ptr %handler.place
  ; tracemalloc hears of it, as of memory that NumPy took itself.
  call i32 @PyTraceMalloc_Track(i32 {_NUMPY_DOMAIN}, ptr %made, i64 %bytes)
  ret ptr %array
drop:
  call void @agnesi_give(ptr %made)
  ret ptr null
slow:
  %other = call ptr @new_array_by_handler(
      ptr %type, i32 %ndim, ptr %dims, i32 %number, ptr %strides, ptr %data, i32 %itemsize,
      i32 %flags, ptr %like)
  ret ptr %other
}}

; The same by NumPy's public means alone, which takes longer; it has the exceptions for sizes.
define internal ptr @new_array_by_handler(
    ptr %type, i32 %ndim, ptr %dims, i32 %number, ptr %strides, ptr %data, i32 %bytes, i32 %flags,
    ptr %like) {{
entry:
  %kind = alloca ptr
  %value = alloca ptr
  %trace = alloca ptr
  %capsule = load ptr, ptr @capsule
  %usual = call ptr @numpy_PyDataMem_SetHandler(ptr %capsule)
  %failed = icmp eq ptr %usual, null
  br i1 %failed, label %none, label %make
make:
  %array = call ptr @numpy_PyArray_New(
      ptr %type, i32 %ndim, ptr %dims, i32 %number, ptr %strides, ptr %data, i32 %bytes, i32 %flags,
      ptr %like)
  %no.array = icmp eq ptr %array, null
  br i1 %no.array, label %sad, label %glad
glad:
  %g.ours = call ptr @numpy_PyDataMem_SetHandler(ptr %usual)
  call void @Py_DecRef(ptr %g.ours)
  call void @Py_DecRef(ptr %usual)
  ret ptr %array
sad:
  ; Its exception waits until the handler is back.
  call void @PyErr_Fetch(ptr %kind, ptr %value, ptr %trace)
  %s.ours = call ptr @numpy_PyDataMem_SetHandler(ptr %usual)
  call void @Py_DecRef(ptr %s.ours)
  call void @Py_DecRef(ptr %usual)
  %k = load ptr, ptr %kind
  %v = load ptr, ptr %value
  %t = load ptr, ptr %trace
  call void @PyErr_Restore(ptr %k, ptr %v, ptr %t)
  ret ptr null
none:
  ret ptr null
}}
"""


def _mappings() -> str:
    """Return how this system gives and takes large memory."""
    if not hasattr(mmap, "MAP_ANONYMOUS"):
        return _NO_MAPPINGS
    huge = getattr(mmap, "MADV_HUGEPAGE", None)
    advise = "" if huge is None else f"call i32 @madvise(ptr %start, i64 %bytes, i32 {huge})"
    # Elsewhere this advice means something else, or takes effect some time.
    unused = getattr(mmap, "MADV_DONTNEED", 0)
    discard = f"call i32 @madvise(ptr %first, i64 %whole, i32 {unused})"
    return _MAPPINGS.format(
        huge=_HUGE,
        rest=_HUGE - 1,
        flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
        advise=advise,
        page_rest=mmap.PAGESIZE - 1,
        page_mask=-mmap.PAGESIZE,
        discard=discard if sys.platform == "linux" else "",
    )


def allocator() -> str:
    """Return the allocator's text for this system."""
    return "".join((_STATE, _mappings(), _LISTS, _BUFFERS, _HANDLER))


def usual_limit() -> int:
    """Return how many bytes may be idle where nobody said: the knob, or what suits the machine."""
    if knobs.IDLE_MEMORY.value:
        return max(knobs.IDLE_MEMORY.number, 0) << 20
    there = groups.memory()
    sizes = [] if there is None else [there]
    if hasattr(os, "sysconf"):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(1 << 30, *(size // 4 for size in sizes))


def start_allocator(addresses: dict[str, int]) -> None:
    """Make the compiled allocator ready, once in a process.

    Args:
        addresses: of its functions, by name.
    """
    begin = ctypes.PYFUNCTYPE(None, ctypes.c_int64)(addresses["agnesi_memory_start"])
    begin(usual_limit())
    if hasattr(os, "register_at_fork"):
        # A child of a fork must not find the lock held by a thread that it does not have.
        hold, let_go = (
            ctypes.PYFUNCTYPE(None)(addresses[f"agnesi_memory_{name}"])
            for name in ("lock", "unlock")
        )
        os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=let_go)
