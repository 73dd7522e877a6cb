(module
  (import "ombud:policy/text@1.1.0" "fold" (func $fold (param i32 i32 i32)))
  (; prelude ;)
  ;; Folds the first 1000 bytes of its memory, then traps.
  (func (export "ombud:policy/delay@1.1.0#decide") (param i32) (result i32)
    (call $fold (i32.const 0) (i32.const 1000) (i32.const 32768))
    (i32.div_s (i32.const 1) (i32.const 0))))
