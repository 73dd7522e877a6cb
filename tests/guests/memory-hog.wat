(module
  (; prelude ;)
  (func (export "ombud:policy/delay@1.0.0#decide") (param i32) (result i32)
    (loop $more
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then (unreachable)))
      (br $more))
    (unreachable)))
