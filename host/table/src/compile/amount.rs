//! The amount of a row.

use ombud_rows::Type;
use ombud_rows::program::{Const, Node, Op, Roots};
use ombud_rules::after_sale::AMOUNT_MAX;

use crate::{cel, literal};

/// The expression of an amount, in fen.
pub fn amount(text: &str, roots: &Roots) -> Result<Node, String> {
    if let Ok(fen) = literal::number(text, "fen") {
        return bounded(fen).map(|fen| Node::Const(Const::Int(fen)));
    }
    if let Some((percent, rest)) = text.split_once("% of ").or_else(|| text.split_once("％ of ")) {
        let bp = literal::hundredths(percent.trim())?;
        let (base, bounds) = match rest.find(" min ").into_iter().chain(rest.find(" max ")).min() {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let mut node = Node::Two(Op::Share, Box::new(number(base, roots)?), Box::new(Node::Const(Const::Int(bp))));
        let (mut least, mut most) = (0, AMOUNT_MAX);
        let mut words = bounds.split_whitespace();
        while let Some(word) = words.next() {
            let (op, end) = match word {
                "min" => (Op::Max, &mut least),
                "max" => (Op::Min, &mut most),
                _ => return Err(format!("`{word}`: a share may end with `min ¥3` and `max ¥50`")),
            };
            let bound = words.next().ok_or_else(|| format!("`{word}` needs an amount"))?;
            let fen = bounded(literal::number(bound, "fen")?)?;
            *end = fen;
            node = Node::Two(op, Box::new(node), Box::new(Node::Const(Const::Int(fen))));
        }
        if least > most {
            return Err(format!("`{}`: `min` is at most `max`", bounds.trim()));
        }
        return Ok(node);
    }
    if text.starts_with(['¥', '￥']) {
        return literal::number(text, "fen").and_then(bounded).map(|fen| Node::Const(Const::Int(fen)));
    }
    number(text, roots).map_err(|message| {
        format!("`{text}` is no amount: write fen (`2000`), yuan (`¥20`), a share (`10% of …`) or a number in CEL: {message}")
    })
}

fn number(text: &str, roots: &Roots) -> Result<Node, String> {
    let typed = cel::expression(text.trim(), roots)?;
    if typed.ty == Type::Int { Ok(typed.node) } else { Err(format!("an amount is a number of fen, this is {}", typed.ty.name())) }
}

/// An amount that the contract allows.
fn bounded(fen: i64) -> Result<i64, String> {
    match fen {
        0..=AMOUNT_MAX => Ok(fen),
        ..0 => Err("an amount is not negative".to_owned()),
        _ => Err(format!("`{fen}` fen are more than an amount may be: 0 to {AMOUNT_MAX} fen (¥{})", AMOUNT_MAX / 100)),
    }
}
