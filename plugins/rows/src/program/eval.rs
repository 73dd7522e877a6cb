//! Runs a program on the facts of a case.

use core::cmp::Ordering;

use ombud_rules::delay::share_of;

use super::{Code, LOCALS_MAX, Op, Records, Root, code};
use crate::fact::Value;

/// The facts that a program reads.
pub struct Env<'a> {
    records: Records<'a>,
    locals: [Value<'a>; LOCALS_MAX],
    depth: usize,
}

impl<'a> Env<'a> {
    /// Of these records.
    pub const fn new(records: Records<'a>) -> Self {
        Self { records, locals: [Value::Unknown; LOCALS_MAX], depth: 0 }
    }

    /// The value at the end of a path, given as in a program.
    fn follow(&self, root: Root, steps: &[u8]) -> Value<'a> {
        let mut value = match root {
            Root::Case => Value::Record(self.records.case),
            Root::Context => Value::Record(self.records.context),
            Root::Derived => Value::Record(self.records.derived),
            Root::Item => self.records.item.map_or(Value::Unknown, Value::Record),
            Root::Local(depth) => self.locals.get(usize::from(depth)).copied().unwrap_or(Value::Unknown),
        };
        for step in steps {
            value = match value {
                Value::Record(record) if *step < code::AT => record.get(*step),
                Value::List(list) if *step >= code::AT => list.item(usize::from(*step - code::AT)),
                _ => Value::Unknown,
            };
        }
        value
    }
}

/// The value of a checked program. What is not known, overflows or divides by zero is `Unknown`.
pub fn eval<'a>(program: &'a [u8], env: &mut Env<'a>) -> Value<'a> {
    node(&mut Code(program), env).unwrap_or(Value::Unknown)
}

/// None only if the bytes were not checked.
fn node<'a>(code: &mut Code<'a>, env: &mut Env<'a>) -> Option<Value<'a>> {
    Some(match code.byte()? {
        code::FALSE => Value::Bool(false),
        code::TRUE => Value::Bool(true),
        code::INT | code::INSTANT | code::DURATION => Value::Int(code.int()?),
        code::TEXT => Value::Text(code.text()?),
        code::ENUM => Value::Enum(code.byte()?),
        code::PATH => {
            let root = code.root()?;
            env.follow(root, code.steps()?)
        }
        code::KNOWN => {
            let root = code.root()?;
            Value::Bool(is_known(env.follow(root, code.steps()?)))
        }
        code::HAS => {
            let root = code.root()?;
            let steps = code.steps()?;
            let (_, parents) = steps.split_last()?;
            if is_known(env.follow(root, parents)) { Value::Bool(is_known(env.follow(root, steps))) } else { Value::Unknown }
        }
        code::NOT => match node(code, env)? {
            Value::Bool(value) => Value::Bool(!value),
            _ => Value::Unknown,
        },
        code::NEGATE => match node(code, env)? {
            Value::Int(value) => value.checked_neg().map_or(Value::Unknown, Value::Int),
            _ => Value::Unknown,
        },
        code::AND => logic(code, env, false)?,
        code::OR => logic(code, env, true)?,
        code::IF => {
            let condition = node(code, env)?;
            let (yes, no) = (part(code)?, part(code)?);
            match condition {
                Value::Bool(true) => node(&mut Code(yes), env)?,
                Value::Bool(false) => node(&mut Code(no), env)?,
                _ => Value::Unknown,
            }
        }
        code::AMONG => {
            let of = node(code, env)?;
            let mut found = false;
            for _ in 0..code.byte()? {
                let constant = node(code, env)?;
                found |= compare(of, constant) == Some(Ordering::Equal);
            }
            if is_known(of) { Value::Bool(found) } else { Value::Unknown }
        }
        code::IN => {
            let of = node(code, env)?;
            match node(code, env)? {
                Value::List(list) if is_known(of) => {
                    Value::Bool((0..list.count()).any(|at| compare(of, list.item(at)) == Some(Ordering::Equal)))
                }
                _ => Value::Unknown,
            }
        }
        code::SIZE => match node(code, env)? {
            Value::Text(text) => int(text.chars().count()),
            Value::List(list) => int(list.count()),
            _ => Value::Unknown,
        },
        code::EXISTS => walk(code, env, true)?,
        code::ALL => walk(code, env, false)?,
        op => {
            let op = *Op::ALL.get(usize::from(op.checked_sub(code::TWO)?))?;
            let left = node(code, env)?;
            let right = node(code, env)?;
            two(op, left, right)
        }
    })
}

fn part<'a>(code: &mut Code<'a>) -> Option<&'a [u8]> {
    let length = code.length()?;
    code.take(length)
}

/// `&&` and `||`: the side that decides does so whatever the other is, known or not.
fn logic<'a>(code: &mut Code<'a>, env: &mut Env<'a>, decides: bool) -> Option<Value<'a>> {
    let left = node(code, env)?;
    let right = part(code)?;
    Some(match left {
        Value::Bool(left) if left == decides => Value::Bool(decides),
        left => match (left, node(&mut Code(right), env)?) {
            (_, Value::Bool(right)) if right == decides => Value::Bool(decides),
            (Value::Bool(_), right @ Value::Bool(_)) => right,
            _ => Value::Unknown,
        },
    })
}

/// `exists` (decided by a yes) and `all` (by a no).
fn walk<'a>(code: &mut Code<'a>, env: &mut Env<'a>, decides: bool) -> Option<Value<'a>> {
    let list = node(code, env)?;
    let holds = part(code)?;
    let Value::List(list) = list else { return Some(Value::Unknown) };
    let mut answer = Value::Bool(!decides);
    let depth = env.depth;
    env.depth += 1;
    for at in 0..list.count() {
        *env.locals.get_mut(depth)? = list.item(at);
        match node(&mut Code(holds), env)? {
            Value::Bool(found) if found == decides => {
                answer = Value::Bool(decides);
                break;
            }
            Value::Bool(_) => {}
            _ => answer = Value::Unknown,
        }
    }
    env.depth = depth;
    Some(answer)
}

fn two<'a>(op: Op, left: Value<'a>, right: Value<'a>) -> Value<'a> {
    let order = |holds: fn(Ordering) -> bool| compare(left, right).map_or(Value::Unknown, |order| Value::Bool(holds(order)));
    let number = |of: fn(i64, i64) -> Option<i64>| match (left, right) {
        (Value::Int(left), Value::Int(right)) => of(left, right).map_or(Value::Unknown, Value::Int),
        _ => Value::Unknown,
    };
    let text = |of: fn(&str, &str) -> bool| match (left, right) {
        (Value::Text(left), Value::Text(right)) => Value::Bool(of(left, right)),
        _ => Value::Unknown,
    };
    match op {
        Op::Eq => order(Ordering::is_eq),
        Op::Ne => order(Ordering::is_ne),
        Op::Lt => order(Ordering::is_lt),
        Op::Le => order(Ordering::is_le),
        Op::Gt => order(Ordering::is_gt),
        Op::Ge => order(Ordering::is_ge),
        Op::Add => number(i64::checked_add),
        Op::Sub => number(i64::checked_sub),
        Op::Mul => number(i64::checked_mul),
        Op::Div => number(i64::checked_div),
        Op::Rem => number(i64::checked_rem),
        Op::Share => number(|amount, bp| u32::try_from(bp).ok().map(|bp| share_of(amount, bp))),
        Op::Min => number(|left, right| Some(left.min(right))),
        Op::Max => number(|left, right| Some(left.max(right))),
        Op::Contains => text(|text, part| text.contains(part)),
        Op::StartsWith => text(|text, part| text.starts_with(part)),
        Op::EndsWith => text(|text, part| text.ends_with(part)),
    }
}

fn compare(left: Value<'_>, right: Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(&right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(&right)),
        (Value::Enum(left), Value::Enum(right)) => Some(left.cmp(&right)),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

const fn is_known(value: Value<'_>) -> bool {
    !matches!(value, Value::Unknown)
}

fn int(count: usize) -> Value<'static> {
    i64::try_from(count).map_or(Value::Unknown, Value::Int)
}
