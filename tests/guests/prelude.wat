;; What every guest has: a memory, an allocator that only grows, and settings that are always taken.
(memory (export "memory") 2)
(global $next (mut i32) (i32.const 65536))
(func $alloc (param $size i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
  (global.set $next (i32.add (local.get $at) (local.get $size)))
  (loop $grow
    (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
      (then
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
        (br $grow))))
  (local.get $at))
(func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (call $alloc (local.get $size)))
;; result<_, list<settings-problem>>: discriminant 0 = ok.
(func (export "ombud:policy/settings@1.0.0#prepare") (param i32 i32) (result i32)
  (local $at i32)
  (local.set $at (call $alloc (i32.const 12)))
  (i32.store (local.get $at) (i32.const 0))
  (local.get $at))
