(module
  (; prelude ;)
  (table $t 1 funcref)
  (func (export "ombud:policy/delay@1.0.0#decide") (param i32) (result i32)
    (loop $more
      (if (i32.eq (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1)) (then (unreachable)))
      (br $more))
    (unreachable)))
