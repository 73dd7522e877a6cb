(module
  (; prelude ;)
  ;; err(policy-error) with a detail of 10000 bytes.
  (func (export "ombud:policy/delay@1.0.0#decide") (param i32) (result i32)
    (local $at i32)
    (local.set $at (call $alloc (i32.const 512)))
    (memory.fill (local.get $at) (i32.const 0) (i32.const 512))
    (i32.store8 (local.get $at) (i32.const 1))
    ;; policy-error { code, path { ptr, len }, detail { ptr, len } }, aligned to 8 behind the discriminant
    (i32.store offset=20 (local.get $at) (i32.const 0))
    (i32.store offset=24 (local.get $at) (i32.const 10000))
    (local.get $at)))
