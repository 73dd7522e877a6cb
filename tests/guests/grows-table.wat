(module
  (; prelude ;)
  (table $t 1 funcref)
  ;; A table of 100 elements, then a trap.
  (func (export "ombud:policy/delay@1.0.0#decide") (param i32) (result i32)
    (drop (table.grow $t (ref.null func) (i32.const 99)))
    (i32.div_s (i32.const 1) (i32.const 0))))
