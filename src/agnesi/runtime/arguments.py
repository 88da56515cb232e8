"""Ways into a compiled function that need no host code, in LLVM IR: numbers, keywords, defaults."""

from __future__ import annotations

from agnesi.codegen.llvm import layout as at

# Of Python's and NumPy's objects: where the type is, and the value, unless it is an integer.
_TYPE, _VALUE, _TUPLE_SIZE = 8, 16, 16

# i1 agnesi_scalar(ptr object, ptr out, ptr exact, i32 family, i32 bits): write the value of an
# object to 16 bytes; false if it is for the host to convert, or to refuse.  Taken are NumPy's
# scalars of the type `exact`; Python's floats, where floats are wanted, rounded once; Python's
# integers, where floats are wanted, or integers that hold them; Python's bools, where those are.
# What the rest means, `compile/binder.py` says, and it says the same of these.
SCALARS = f"""
@python_float = external global i8
@python_int = external global i8
@python_bool = external global i8
@python_True = external global i8

declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)

define i1 @agnesi_scalar(ptr %object, ptr %out, ptr %exact, i32 %family, i32 %bits) {{
entry:
  %over = alloca i32
  %kind.place = getelementptr i8, ptr %object, i64 {_TYPE}
  %kind = load ptr, ptr %kind.place
  %value = getelementptr i8, ptr %object, i64 {_VALUE}
  %same = icmp eq ptr %kind, %exact
  br i1 %same, label %copy, label %other
copy:
  switch i32 %bits, label %no [ i32 1, label %copy8  i32 8, label %copy8  i32 16, label %copy16
    i32 32, label %copy32  i32 64, label %copy64  i32 128, label %copy128 ]
copy8:
  %v8 = load i8, ptr %value
  store i8 %v8, ptr %out
  ret i1 true
copy16:
  %v16 = load i16, ptr %value
  store i16 %v16, ptr %out
  ret i1 true
copy32:
  %v32 = load i32, ptr %value
  store i32 %v32, ptr %out
  ret i1 true
copy128:
  %high.place = getelementptr i8, ptr %value, i64 8
  %high = load i64, ptr %high.place
  %out.high = getelementptr i8, ptr %out, i64 8
  store i64 %high, ptr %out.high
  br label %copy64
copy64:
  %v64 = load i64, ptr %value
  store i64 %v64, ptr %out
  ret i1 true
other:
  switch i32 %family, label %no [ i32 {at.FLOATS}, label %floats  i32 {at.SIGNED}, label %integers
    i32 {at.UNSIGNED}, label %integers  i32 {at.BOOLS}, label %bools ]
bools:
  %is.bool = icmp eq ptr %kind, @python_bool
  %truth = icmp eq ptr %object, @python_True
  %truth8 = zext i1 %truth to i8
  store i8 %truth8, ptr %out
  ret i1 %is.bool
floats:
  %is.float = icmp eq ptr %kind, @python_float
  br i1 %is.float, label %float, label %integers
float:
  %f = load double, ptr %value
  br label %rounded
integers:
  %is.int = icmp eq ptr %kind, @python_int
  br i1 %is.int, label %integer, label %no
integer:
  %n = call i64 @PyLong_AsLongLongAndOverflow(ptr %object, ptr %over)
  %beyond = load i32, ptr %over
  %within = icmp eq i32 %beyond, 0
  br i1 %within, label %counted, label %no
counted:
  %to.float = icmp eq i32 %family, {at.FLOATS}
  br i1 %to.float, label %real, label %fit
real:
  %narrow = icmp eq i32 %bits, 32
  %n32 = sitofp i64 %n to float
  %n64 = sitofp i64 %n to double
  br i1 %narrow, label %real32, label %real64
real32:
  store float %n32, ptr %out
  ret i1 true
real64:
  store double %n64, ptr %out
  ret i1 true
rounded:
  %single = icmp eq i32 %bits, 32
  br i1 %single, label %rounded32, label %rounded64
rounded32:
  %f32 = fptrunc double %f to float
  store float %f32, ptr %out
  ret i1 true
rounded64:
  store double %f, ptr %out
  ret i1 true
fit:
  ; Whether the bits that are kept tell the whole number.
  %rest = sub i32 64, %bits
  %shift = zext i32 %rest to i64
  %up = shl i64 %n, %shift
  %as.signed = ashr i64 %up, %shift
  %as.unsigned = lshr i64 %up, %shift
  %signed = icmp eq i32 %family, {at.SIGNED}
  %back = select i1 %signed, i64 %as.signed, i64 %as.unsigned
  %told = icmp eq i64 %back, %n
  %positive = icmp sge i64 %n, 0
  %signs = or i1 %signed, %positive
  %holds = and i1 %told, %signs
  store i64 %n, ptr %out
  ret i1 %holds
no:
  ret i1 false
}}
"""

# i1 agnesi_arrange(ptr args, i64 nargs, ptr kwnames, ptr names, i64 inputs, ptr given): put
# arguments in order, with defaults; false if it is for the host to find out what is wrong.
# Keywords are interned strings, almost always: who has the same letters elsewhere goes to the host.
ARRANGE = f"""
define i1 @agnesi_arrange(
    ptr %args, i64 %nargs, ptr %kwnames, ptr %names, i64 %inputs, ptr %given) {{
entry:
  %many = icmp ugt i64 %nargs, %inputs
  br i1 %many, label %no, label %fill
fill:
  %i = phi i64 [ 0, %entry ], [ %i.next, %filled ]
  %i.more = icmp ult i64 %i, %inputs
  br i1 %i.more, label %one, label %keywords
one:
  %i.place = getelementptr ptr, ptr %given, i64 %i
  %positional = icmp ult i64 %i, %nargs
  br i1 %positional, label %take, label %default
take:
  %arg.place = getelementptr ptr, ptr %args, i64 %i
  %arg = load ptr, ptr %arg.place
  store ptr %arg, ptr %i.place
  br label %filled
default:
  %pair = getelementptr {{ ptr, ptr }}, ptr %names, i64 %i, i32 1
  %usual = load ptr, ptr %pair
  store ptr %usual, ptr %i.place
  br label %filled
filled:
  %i.next = add i64 %i, 1
  br label %fill
keywords:
  %none = icmp eq ptr %kwnames, null
  br i1 %none, label %verify, label %count
count:
  %count.place = getelementptr i8, ptr %kwnames, i64 {_TUPLE_SIZE}
  %number = load i64, ptr %count.place
  %texts = getelementptr i8, ptr %kwnames, i64 {at.TUPLE_ITEMS}
  br label %word
word:
  %j = phi i64 [ 0, %count ], [ %j.next, %named ]
  %j.more = icmp ult i64 %j, %number
  br i1 %j.more, label %search, label %verify
search:
  %text.place = getelementptr ptr, ptr %texts, i64 %j
  %text = load ptr, ptr %text.place
  br label %look
look:
  ; What was given by position already is not looked at: a second time is an error.
  %k = phi i64 [ %nargs, %search ], [ %k.next, %differs ]
  %k.more = icmp ult i64 %k, %inputs
  br i1 %k.more, label %compare, label %no
compare:
  %name.place = getelementptr {{ ptr, ptr }}, ptr %names, i64 %k
  %name = load ptr, ptr %name.place
  %same = icmp eq ptr %name, %text
  br i1 %same, label %named, label %differs
differs:
  %k.next = add i64 %k, 1
  br label %look
named:
  %value.index = add i64 %nargs, %j
  %value.place = getelementptr ptr, ptr %args, i64 %value.index
  %value = load ptr, ptr %value.place
  %k.place = getelementptr ptr, ptr %given, i64 %k
  store ptr %value, ptr %k.place
  %j.next = add i64 %j, 1
  br label %word
verify:
  %v = phi i64 [ 0, %keywords ], [ 0, %word ], [ %v.next, %present ]
  %v.more = icmp ult i64 %v, %inputs
  br i1 %v.more, label %judge, label %yes
judge:
  %v.place = getelementptr ptr, ptr %given, i64 %v
  %v.value = load ptr, ptr %v.place
  %absent = icmp eq ptr %v.value, null
  br i1 %absent, label %no, label %present
present:
  %v.next = add i64 %v, 1
  br label %verify
yes:
  ret i1 true
no:
  ret i1 false
}}
"""
