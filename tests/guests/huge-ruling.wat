(module
  (; prelude ;)
  ;; An error text of 100 MB: result is err(policy-error) with a string that covers all memory.
  (func (export "ombud:policy/delay@1.0.0#decide") (param i32) (result i32)
    (local $at i32)
    (local.set $at (call $alloc (i32.const 512)))
    (drop (memory.grow (i32.const 1000)))
    (memory.fill (local.get $at) (i32.const 0) (i32.const 512))
    (i32.store8 (local.get $at) (i32.const 1))
    ;; policy-error { code, path { ptr, len }, detail { ptr, len } }, aligned to 8 behind the discriminant
    (i32.store offset=12 (local.get $at) (i32.const 0))
    (i32.store offset=16 (local.get $at) (i32.const 60000000))
    (local.get $at)))
