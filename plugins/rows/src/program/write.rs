//! From a tree to bytes.

use super::{Const, Node, PROGRAM_BYTES_MAX, Path, Root, Step, code};

/// The bytes of an expression; none if it is longer than [`PROGRAM_BYTES_MAX`] or a part of it does not fit its place.
pub fn encode(node: &Node) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    write(node, &mut out)?;
    (out.len() <= PROGRAM_BYTES_MAX).then_some(out)
}

fn write(node: &Node, out: &mut Vec<u8>) -> Option<()> {
    match node {
        Node::Const(value) => constant(value, out)?,
        Node::Path(of) => {
            out.push(code::PATH);
            path(of, out)?;
        }
        Node::Known { path: of, strict } => {
            out.push(if *strict { code::HAS } else { code::KNOWN });
            path(of, out)?;
        }
        Node::Not(of) => {
            out.push(code::NOT);
            write(of, out)?;
        }
        Node::Negate(of) => {
            out.push(code::NEGATE);
            write(of, out)?;
        }
        Node::And(left, right) => lazily(code::AND, left, right, out)?,
        Node::Or(left, right) => lazily(code::OR, left, right, out)?,
        Node::If(condition, yes, no) => {
            lazily(code::IF, condition, yes, out)?;
            sized(no, out)?;
        }
        Node::Two(op, left, right) => {
            out.push(code::TWO + *op as u8);
            write(left, out)?;
            write(right, out)?;
        }
        Node::Among(of, values) => {
            out.push(code::AMONG);
            write(of, out)?;
            out.push(u8::try_from(values.len()).ok()?);
            values.iter().try_for_each(|value| constant(value, out))?;
        }
        Node::In(of, list) => {
            out.push(code::IN);
            write(of, out)?;
            write(list, out)?;
        }
        Node::Size(of) => {
            out.push(code::SIZE);
            write(of, out)?;
        }
        Node::Any { list, holds, all } => lazily(if *all { code::ALL } else { code::EXISTS }, list, holds, out)?,
    }
    Some(())
}

/// A part that may be skipped has its length before it.
fn lazily(code: u8, first: &Node, second: &Node, out: &mut Vec<u8>) -> Option<()> {
    out.push(code);
    write(first, out)?;
    sized(second, out)
}

fn sized(node: &Node, out: &mut Vec<u8>) -> Option<()> {
    let mut part = Vec::new();
    write(node, &mut part)?;
    out.extend(u16::try_from(part.len()).ok()?.to_le_bytes());
    out.extend(part);
    Some(())
}

fn constant(value: &Const, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Const::Bool(value) => out.push(if *value { code::TRUE } else { code::FALSE }),
        Const::Int(value) => number(code::INT, *value, out),
        Const::Instant(value) => number(code::INSTANT, *value, out),
        Const::Duration(value) => number(code::DURATION, *value, out),
        Const::Enum(place) => out.extend([code::ENUM, *place]),
        Const::Text(text) => {
            out.push(code::TEXT);
            out.extend(u16::try_from(text.len()).ok()?.to_le_bytes());
            out.extend(text.as_bytes());
        }
    }
    Some(())
}

fn number(code: u8, value: i64, out: &mut Vec<u8>) {
    out.push(code);
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 128 {
        out.push((rest & 127) as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn path(path: &Path, out: &mut Vec<u8>) -> Option<()> {
    out.push(match path.root {
        Root::Case => code::CASE,
        Root::Context => code::CONTEXT,
        Root::Derived => code::DERIVED,
        Root::Item => code::ITEM,
        Root::Local(depth) => code::LOCAL.checked_add(depth)?,
    });
    out.push(u8::try_from(path.steps.len()).ok()?);
    for step in &path.steps {
        let (Step::Field(place) | Step::At(place)) = *step;
        out.push(match step {
            _ if place >= code::AT => return None,
            Step::Field(_) => place,
            Step::At(_) => place | code::AT,
        });
    }
    Some(())
}
