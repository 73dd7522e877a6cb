//! What stands in a cell below a fact: a value, several, a comparison, an interval, or whether it is known.

use ombud_rows::Type;
use ombud_rows::fact::Field;
use ombud_rows::program::{Const, Node, Op, Path};

use crate::author::Cell;
use crate::literal;

/// The longer sign first. Whoever writes Chinese gets the others from the same keys.
const SIGNS: [(&str, Op); 8] =
    [(">=", Op::Ge), ("<=", Op::Le), ("≥", Op::Ge), ("≤", Op::Le), (">", Op::Gt), ("<", Op::Lt), ("＞", Op::Gt), ("＜", Op::Lt)];

/// The condition that a cell is.
///
/// | cell | meaning |
/// | --- | --- |
/// | `quality` | the fact is this |
/// | `quality, spoiled` | it is one of these |
/// | `not quality, spoiled` | it is known and none of these |
/// | `>= 72h` | it compares like this; so do `>`, `<`, `<=` |
/// | `[24h..72h)` | it lies in the interval: a square bracket includes its end, a round one does not |
/// | `known`, `unknown` | whether anybody stated it |
pub fn condition(cell: &Cell, path: &Path, field: &Field) -> Result<Node, String> {
    let fact = || Box::new(Node::Path(path.clone()));
    let known = || Node::Known { path: path.clone(), strict: false };
    let text = cell.text();
    match text.as_str() {
        "known" => return Ok(known()),
        "unknown" => return Ok(Node::Not(Box::new(known()))),
        _ => {}
    }
    if matches!(field.ty, Type::Record(_) | Type::List(_)) {
        return Err(format!("`{}` is {}: test it in `when`", field.name, field.ty.name()));
    }
    let value = |text: &str| literal::constant(text, field.ty, field.unit);
    let ordered = matches!(field.ty, Type::Int | Type::Instant | Type::Duration | Type::Text);
    for (sign, op) in SIGNS {
        if let Some(rest) = text.strip_prefix(sign) {
            if !ordered {
                return Err(format!("{} has no order", field.ty.name()));
            }
            return Ok(Node::Two(op, fact(), Box::new(Node::Const(value(rest)?))));
        }
    }
    if let Some((low, high)) = text.split_once("..").filter(|_| text.starts_with(['[', '(']) && text.ends_with([']', ')'])) {
        if !ordered {
            return Err(format!("{} has no order", field.ty.name()));
        }
        let low_op = if low.starts_with('[') { Op::Ge } else { Op::Gt };
        let high_op = if high.ends_with(']') { Op::Le } else { Op::Lt };
        let (low, high) = (value(low.trim_start_matches(['[', '(']))?, value(high.trim_end_matches([']', ')']))?);
        if is_empty(&low, &high, low_op == Op::Ge && high_op == Op::Le) {
            return Err(format!("`{text}` is empty: the smaller end comes first"));
        }
        let low = Node::Two(low_op, fact(), Box::new(Node::Const(low)));
        return Ok(Node::And(Box::new(low), Box::new(Node::Two(high_op, fact(), Box::new(Node::Const(high))))));
    }
    if text.contains("..") && ordered && field.ty != Type::Text {
        return Err(format!("`{text}` is no interval: write `[24h..72h)`, a square bracket includes its end"));
    }
    let (negated, listed) = match text.strip_prefix("not ") {
        Some(rest) => (true, rest.to_owned()),
        None => (false, text.clone()),
    };
    let values: Vec<String> = match cell {
        Cell::Many(texts) if !negated => texts.clone(),
        // A text may hold a comma; names and numbers do not.
        _ if field.ty == Type::Text => vec![listed],
        _ => listed.split([',', '|']).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
    };
    let constants: Vec<Const> = values.iter().map(|text| value(text)).collect::<Result<_, _>>()?;
    let node = match <[Const; 1]>::try_from(constants) {
        // A fact that is yes or no is its own condition.
        Ok([Const::Bool(true)]) => *fact(),
        Ok([Const::Bool(false)]) => Node::Not(fact()),
        Ok([one]) => Node::Two(Op::Eq, fact(), Box::new(Node::Const(one))),
        Err(several) if several.is_empty() => return Err(format!("`{text}` has no value")),
        Err(several) => Node::Among(fact(), several),
    };
    Ok(if negated { Node::Not(Box::new(node)) } else { node })
}

/// Whether nothing lies between two ends.
fn is_empty(low: &Const, high: &Const, with_both_ends: bool) -> bool {
    let order = match (low, high) {
        (Const::Int(low) | Const::Instant(low) | Const::Duration(low), Const::Int(high) | Const::Instant(high) | Const::Duration(high)) => {
            low.cmp(high)
        }
        (Const::Text(low), Const::Text(high)) => low.cmp(high),
        _ => return false,
    };
    order.is_gt() || (order.is_eq() && !with_both_ends)
}
