(module
  (; prelude ;)
  ;; Says that its ruling lies behind the end of its memory.
  (func (export "ombud:policy/delay@1.0.0#decide") (param i32) (result i32)
    (i32.const -8)))
