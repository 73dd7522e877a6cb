(module
  (import "ombud:policy/log@1.0.0" "write" (func $log (param i32 i32 i32)))
  (; prelude ;)
  ;; One line of 1000 bytes, then a trap.
  (func (export "ombud:policy/delay@1.0.0#decide") (param i32) (result i32)
    (call $log (i32.const 1) (i32.const 0) (i32.const 1000))
    (i32.div_s (i32.const 1) (i32.const 0))))
