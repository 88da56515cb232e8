"""Native helpers that do not depend on the program: written once, in LLVM IR."""

from __future__ import annotations

# ptr agnesi_contiguous(ptr data, i64 ndim, ptr dims, ptr strides, i64 itemsize)
# A copy in C order of an array of any strides and alignment, from agnesi_take; null without memory.
# The last axis is the inner loop; the others turn like an odometer.
SUPPORT = """
declare ptr @agnesi_take(i64, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define ptr @agnesi_contiguous(ptr %data, i64 %ndim, ptr %dims, ptr %strides, i64 %itemsize) {
entry:
  %count = alloca i64, i64 64
  %last = add i64 %ndim, -1
  br label %size
size:
  %axis = phi i64 [ 0, %entry ], [ %axis.next, %size.body ]
  %total = phi i64 [ %itemsize, %entry ], [ %total.next, %size.body ]
  %size.more = icmp slt i64 %axis, %ndim
  br i1 %size.more, label %size.body, label %sized
size.body:
  %dim.place = getelementptr i64, ptr %dims, i64 %axis
  %dim = load i64, ptr %dim.place
  %total.next = mul i64 %total, %dim
  %count.place = getelementptr i64, ptr %count, i64 %axis
  store i64 0, ptr %count.place
  %axis.next = add i64 %axis, 1
  br label %size
sized:
  %made = call ptr @agnesi_take(i64 %total, i64 1)
  %failed = icmp eq ptr %made, null
  %empty = icmp eq i64 %total, 0
  %stop = or i1 %failed, %empty
  br i1 %stop, label %done, label %begin
begin:
  %inner.place = getelementptr i64, ptr %dims, i64 %last
  %inner = load i64, ptr %inner.place
  %step.place = getelementptr i64, ptr %strides, i64 %last
  %step = load i64, ptr %step.place
  br label %row
row:
  %source = phi ptr [ %data, %begin ], [ %source.moved, %turned ]
  %target = phi ptr [ %made, %begin ], [ %target.end, %turned ]
  switch i64 %itemsize, label %other [ i64 4, label %four  i64 8, label %eight ]
four:
  %i4 = phi i64 [ 0, %row ], [ %i4.next, %four ]
  %o4 = mul i64 %i4, %step
  %s4 = getelementptr i8, ptr %source, i64 %o4
  %t4 = getelementptr i32, ptr %target, i64 %i4
  %v4 = load i32, ptr %s4, align 1
  store i32 %v4, ptr %t4, align 1
  %i4.next = add i64 %i4, 1
  %more4 = icmp slt i64 %i4.next, %inner
  br i1 %more4, label %four, label %copied
eight:
  %i8 = phi i64 [ 0, %row ], [ %i8.next, %eight ]
  %o8 = mul i64 %i8, %step
  %s8 = getelementptr i8, ptr %source, i64 %o8
  %t8 = getelementptr i64, ptr %target, i64 %i8
  %v8 = load i64, ptr %s8, align 1
  store i64 %v8, ptr %t8, align 1
  %i8.next = add i64 %i8, 1
  %more8 = icmp slt i64 %i8.next, %inner
  br i1 %more8, label %eight, label %copied
other:
  %i1 = phi i64 [ 0, %row ], [ %i1.next, %other ]
  %o1 = mul i64 %i1, %step
  %s1 = getelementptr i8, ptr %source, i64 %o1
  %p1 = mul i64 %i1, %itemsize
  %t1 = getelementptr i8, ptr %target, i64 %p1
  call void @llvm.memcpy.p0.p0.i64(ptr %t1, ptr %s1, i64 %itemsize, i1 false)
  %i1.next = add i64 %i1, 1
  %more1 = icmp slt i64 %i1.next, %inner
  br i1 %more1, label %other, label %copied
copied:
  %row.bytes = mul i64 %inner, %itemsize
  %target.end = getelementptr i8, ptr %target, i64 %row.bytes
  br label %turn
turn:
  %k = phi i64 [ %last, %copied ], [ %k.next, %wrap ]
  %at = phi ptr [ %source, %copied ], [ %at.back, %wrap ]
  %k.next = add i64 %k, -1
  %over = icmp slt i64 %k.next, 0
  br i1 %over, label %done, label %advance
advance:
  %c.place = getelementptr i64, ptr %count, i64 %k.next
  %c = load i64, ptr %c.place
  %c.next = add i64 %c, 1
  store i64 %c.next, ptr %c.place
  %d.place = getelementptr i64, ptr %dims, i64 %k.next
  %d = load i64, ptr %d.place
  %st.place = getelementptr i64, ptr %strides, i64 %k.next
  %st = load i64, ptr %st.place
  %at.next = getelementptr i8, ptr %at, i64 %st
  %within = icmp slt i64 %c.next, %d
  br i1 %within, label %turned, label %wrap
wrap:
  store i64 0, ptr %c.place
  %whole = mul i64 %st, %d
  %back = sub i64 0, %whole
  %at.back = getelementptr i8, ptr %at.next, i64 %back
  br label %turn
turned:
  %source.moved = phi ptr [ %at.next, %advance ]
  br label %row
done:
  ret ptr %made
}
"""
