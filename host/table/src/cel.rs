//! CEL to programs: the expression parsed by the `cel` crate, every name resolved against the contract, every operator checked for its
//! types. The meaning is that of the crate's interpreter; a property test compares the two.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo, operators};
use cel::parser::Parser;
use ombud_rows::Type;
use ombud_rows::fact::Field;
use ombud_rows::program::{Const, LOCALS_MAX, Node, Op, Path, Root, Roots, Step};

use crate::literal;

/// How deep CEL's parser goes.
const RECURSION_MAX: u16 = 48;
/// The longest expression, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// An expression with its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    /// The expression.
    pub node: Node,
    /// Its type.
    pub ty: Type,
    /// `fen`, `bp` or nothing, where it is a fact.
    pub unit: &'static str,
}

/// Compiles an expression; the error names the character it stands at.
pub fn expression(text: &str, roots: &Roots) -> Result<Typed, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("an expression has at most {TEXT_BYTES_MAX} bytes"));
    }
    let parsed = Parser::new().max_recursion_depth(RECURSION_MAX).parse_with_source_info(text);
    let (tree, places) = parsed.map_err(|errors| {
        let Some(first) = errors.errors.first() else { return "not CEL".to_owned() };
        // What the parser says of its own bound is meant for its makers.
        let nested = || format!("brackets stand in each other more than {RECURSION_MAX} deep: write it flatter, or as several rows");
        let said = if first.msg.contains("Recursion limit") { nested() } else { first.msg.clone() };
        format!("not CEL, at character {}: {said}", first.pos.1.max(1))
    })?;
    Compiler { roots, places: &places, locals: Vec::new() }.typed(&tree)
}

/// The fact that a path names, such as `order.freight_paid`.
pub fn fact(path: &str, roots: &Roots) -> Result<(Path, &'static Field), String> {
    let path = path.replace('-', "_");
    let typed = expression(&path, roots)?;
    match typed.node {
        Node::Path(found) => {
            let field = ombud_rows::program::field_at(roots, found.root, &found.steps);
            field.map(|field| (found, field)).ok_or_else(|| format!("`{path}` is no single fact"))
        }
        _ => Err(format!("`{path}` is no path to a fact")),
    }
}

struct Compiler<'a> {
    roots: &'a Roots,
    places: &'a SourceInfo,
    /// Variables of the lists around, outermost first.
    locals: Vec<(String, Type)>,
}

impl Compiler<'_> {
    fn err<T>(&self, at: &IdedExpr, message: impl core::fmt::Display) -> Result<T, String> {
        let place = self.places.offset_for(at.id).map_or_else(String::new, |(start, _)| format!("at character {}: ", start + 1));
        Err(format!("{place}{message}"))
    }

    fn typed(&mut self, at: &IdedExpr) -> Result<Typed, String> {
        match &at.expr {
            Expr::Literal(value) => self.literal(at, value),
            Expr::Ident(_) | Expr::Select(_) => self.path_or_test(at),
            Expr::Call(call) => self.call(at, call),
            Expr::Comprehension(walk) => self.walk(at, walk),
            Expr::List(_) => self.err(at, "a list of values stands only after `in`"),
            Expr::Map(_) | Expr::Struct(_) => self.err(at, "conditions have no maps"),
            Expr::Unspecified => self.err(at, "there is no expression"),
        }
    }

    fn literal(&self, at: &IdedExpr, value: &LiteralValue) -> Result<Typed, String> {
        let (value, ty) = match value {
            LiteralValue::Boolean(value) => (Const::Bool(*value.inner()), Type::Bool),
            LiteralValue::Int(value) => (Const::Int(*value.inner()), Type::Int),
            LiteralValue::String(value) => (Const::Text(value.inner().to_owned()), Type::Text),
            LiteralValue::UInt(_) => return self.err(at, "write the number without `u`: every number of the contract is an int"),
            LiteralValue::Double(_) => return self.err(at, "there are no fractions: money is fen, shares are basis points"),
            LiteralValue::Bytes(_) => return self.err(at, "the contract has no bytes"),
            LiteralValue::Null => return self.err(at, "write `!known(…)` for what nobody stated"),
        };
        Ok(plain(Node::Const(value), ty))
    }

    fn path_or_test(&mut self, at: &IdedExpr) -> Result<Typed, String> {
        if let Expr::Select(SelectExpr { operand, field, test: true }) = &at.expr {
            let (mut path, ty, _) = self.path(operand)?;
            let (place, _) = self.field(at, ty, field)?;
            path.steps.push(Step::Field(place));
            return Ok(plain(Node::Known { path, strict: true }, Type::Bool));
        }
        let (path, ty, unit) = self.path(at)?;
        Ok(Typed { node: Node::Path(path), ty, unit })
    }

    /// A path with the type and unit of what it leads to.
    fn path(&mut self, at: &IdedExpr) -> Result<(Path, Type, &'static str), String> {
        match &at.expr {
            Expr::Ident(name) => self.start(at, name),
            Expr::Select(select) if !select.test => {
                let (mut path, ty, _) = self.path(&select.operand)?;
                let (place, field) = self.field(at, ty, &select.field)?;
                path.steps.push(Step::Field(place));
                Ok((path, field.ty, field.unit))
            }
            Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
                let [list, index] = args.as_slice() else { return self.err(at, "an index has one list and one number") };
                let (mut path, ty, _) = self.path(list)?;
                let Type::List(item) = ty else { return self.err(list, format!("{} has no items", ty.name())) };
                let Expr::Literal(LiteralValue::Int(index)) = &index.expr else { return self.err(index, "an index is a plain number") };
                let index = u8::try_from(*index.inner()).ok().filter(|index| *index < 100);
                let Some(index) = index else { return self.err(at, "an index is 0 to 99") };
                path.steps.push(Step::At(index));
                Ok((path, *item, ""))
            }
            _ => self.err(at, "only facts have fields"),
        }
    }

    fn start(&self, at: &IdedExpr, name: &str) -> Result<(Path, Type, &'static str), String> {
        if let Some(depth) = self.locals.iter().rposition(|(local, _)| local == name) {
            let ty = self.locals.get(depth).map_or(Type::Bool, |(_, ty)| *ty);
            let root = Root::Local(u8::try_from(depth).unwrap_or(u8::MAX));
            return Ok((Path { root, steps: Vec::new() }, ty, ""));
        }
        let root = match name {
            "context" => Some((Root::Context, self.roots.context)),
            "derived" => Some((Root::Derived, self.roots.derived)),
            "episode" => self.roots.item.map(|item| (Root::Item, item)),
            _ => None,
        };
        if let Some((root, schema)) = root {
            return Ok((Path { root, steps: Vec::new() }, Type::Record(schema), ""));
        }
        let (place, field) = self.field(at, Type::Record(self.roots.case), name)?;
        Ok((Path { root: Root::Case, steps: vec![Step::Field(place)] }, field.ty, field.unit))
    }

    fn field(&self, at: &IdedExpr, ty: Type, name: &str) -> Result<(u8, &'static Field), String> {
        let Type::Record(schema) = ty else { return self.err(at, format!("{} has no field `{name}`", ty.name())) };
        match schema.field(name) {
            Some(found) => Ok(found),
            None => {
                let names: Vec<&str> = schema.fields.iter().map(|field| field.name).collect();
                self.err(at, format!("there is no fact `{name}` in {}: {}", schema.name, names.join(", ")))
            }
        }
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr) -> Result<Typed, String> {
        if call.func_name == operators::INDEX {
            let (path, ty, unit) = self.path(at)?;
            return Ok(Typed { node: Node::Path(path), ty, unit });
        }
        let mut operands: Vec<&IdedExpr> = call.target.iter().map(AsRef::as_ref).collect();
        operands.extend(&call.args);
        match (call.func_name.as_str(), operands.as_slice()) {
            (operators::LOGICAL_NOT, [of]) => Ok(plain(Node::Not(Box::new(self.wanted(of, Type::Bool)?)), Type::Bool)),
            (operators::NEGATE, [of]) => {
                let typed = self.typed(of)?;
                match typed.ty {
                    Type::Int | Type::Duration => Ok(Typed { node: Node::Negate(Box::new(typed.node)), ..typed }),
                    ty => self.err(of, format!("{} has no sign", ty.name())),
                }
            }
            (operators::LOGICAL_AND, [left, right]) => {
                let (left, right) = (self.wanted(left, Type::Bool)?, self.wanted(right, Type::Bool)?);
                Ok(plain(Node::And(Box::new(left), Box::new(right)), Type::Bool))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                let (left, right) = (self.wanted(left, Type::Bool)?, self.wanted(right, Type::Bool)?);
                Ok(plain(Node::Or(Box::new(left), Box::new(right)), Type::Bool))
            }
            (operators::CONDITIONAL, [condition, yes, no]) => {
                let condition = self.wanted(condition, Type::Bool)?;
                let yes = self.typed(yes)?;
                let no = self.wanted(no, yes.ty)?;
                Ok(Typed { node: Node::If(Box::new(condition), Box::new(yes.node), Box::new(no)), ..yes })
            }
            (operators::IN, [of, list]) => self.among(of, list),
            ("known", [of]) => {
                let (path, _, _) = self.path(of)?;
                Ok(plain(Node::Known { path, strict: false }, Type::Bool))
            }
            ("size", [of]) => {
                let typed = self.typed(of)?;
                match typed.ty {
                    Type::Text | Type::List(_) => Ok(plain(Node::Size(Box::new(typed.node)), Type::Int)),
                    ty => self.err(of, format!("{} has no size", ty.name())),
                }
            }
            ("duration", [of]) => {
                let value = self.text_of(of, "duration")?;
                match literal::duration(&value) {
                    Ok(value) => Ok(plain(Node::Const(Const::Duration(value)), Type::Duration)),
                    Err(message) => self.err(of, message),
                }
            }
            ("timestamp", [of]) => {
                let value = self.text_of(of, "timestamp")?;
                match literal::instant(&value) {
                    Ok(value) => Ok(plain(Node::Const(Const::Instant(value)), Type::Instant)),
                    Err(message) => self.err(of, message),
                }
            }
            ("matches", _) => self.err(at, "there are no regular expressions in policies: use contains, startsWith or endsWith"),
            (name, [left, right]) => match op(name) {
                Some(op) => self.two(at, op, left, right),
                None => self.unknown_function(at, name),
            },
            (name, _) => self.unknown_function(at, name),
        }
    }

    fn unknown_function<T>(&self, at: &IdedExpr, name: &str) -> Result<T, String> {
        let known = "known, has, size, contains, startsWith, endsWith, exists, all, share, min, max, duration, timestamp";
        self.err(at, format!("there is no function `{name}` for these arguments; there are {known}"))
    }

    fn two(&mut self, at: &IdedExpr, op: Op, left: &IdedExpr, right: &IdedExpr) -> Result<Typed, String> {
        // A text beside a name of the contract is one of its names.
        let (one, other) = match (self.typed(left)?, self.typed(right)?) {
            (one, other) if matches!((one.ty, other.ty), (Type::Enum(_), Type::Text)) => {
                let node = self.named(right, &other.node, one.ty)?;
                let ty = one.ty;
                (one, plain(node, ty))
            }
            (one, other) if matches!((one.ty, other.ty), (Type::Text, Type::Enum(_))) => {
                let node = self.named(left, &one.node, other.ty)?;
                (plain(node, other.ty), other)
            }
            both => both,
        };
        let wrong = || format!("`{}` of {} and {}", op_text(op), one.ty.name(), other.ty.name());
        let ty = match (op, one.ty, other.ty) {
            (_, Type::Record(_) | Type::List(_), _) | (_, _, Type::Record(_) | Type::List(_)) => {
                return self.err(at, format!("{}: records and lists cannot be compared", wrong()));
            }
            (Op::Eq | Op::Ne, left, right) if left == right => Type::Bool,
            (Op::Lt | Op::Le | Op::Gt | Op::Ge, left @ (Type::Int | Type::Text | Type::Instant | Type::Duration), right)
                if left == right =>
            {
                Type::Bool
            }
            (Op::Contains | Op::StartsWith | Op::EndsWith, Type::Text, Type::Text) => Type::Bool,
            (Op::Sub, Type::Instant, Type::Instant) => Type::Duration,
            (Op::Add | Op::Sub, Type::Instant, Type::Duration) => Type::Instant,
            (Op::Add | Op::Sub, Type::Duration, Type::Duration) => Type::Duration,
            (Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem | Op::Share, Type::Int, Type::Int) => Type::Int,
            (Op::Min | Op::Max, left @ (Type::Int | Type::Duration | Type::Instant), right) if left == right => left,
            (_, Type::Instant | Type::Duration, Type::Int) | (_, Type::Int, Type::Instant | Type::Duration) => {
                return self
                    .err(at, format!("{} is not possible: write duration('72h') or timestamp('2026-11-11T00:00:00+08:00')", wrong()));
            }
            _ => return self.err(at, format!("{} is not possible", wrong())),
        };
        let unit = if one.unit == other.unit || other.unit.is_empty() { one.unit } else { "" };
        Ok(Typed { node: Node::Two(op, Box::new(one.node), Box::new(other.node)), ty, unit })
    }

    /// `in`, with constants or with a list of the contract.
    fn among(&mut self, of: &IdedExpr, list: &IdedExpr) -> Result<Typed, String> {
        if let Expr::List(values) = &list.expr {
            let of = self.typed(of)?;
            let mut constants = Vec::new();
            for value in &values.elements {
                let typed = self.typed(value)?;
                let node = if matches!((of.ty, typed.ty), (Type::Enum(_), Type::Text)) {
                    self.named(value, &typed.node, of.ty)?
                } else if typed.ty == of.ty {
                    typed.node
                } else {
                    return self.err(value, format!("{} among {}", typed.ty.name(), of.ty.name()));
                };
                match node {
                    Node::Const(constant) => constants.push(constant),
                    Node::Negate(negated) => match *negated {
                        Node::Const(Const::Int(number)) => constants.push(Const::Int(-number)),
                        _ => return self.err(value, "only constants can be listed"),
                    },
                    _ => return self.err(value, "only constants can be listed"),
                }
            }
            if constants.len() > 255 {
                return self.err(list, "a list has at most 255 values");
            }
            return Ok(plain(Node::Among(Box::new(of.node), constants), Type::Bool));
        }
        let list_typed = self.typed(list)?;
        let Type::List(item) = list_typed.ty else { return self.err(list, format!("{} is no list", list_typed.ty.name())) };
        let typed = self.typed(of)?;
        let node = if matches!((item, typed.ty), (Type::Enum(_), Type::Text)) {
            self.named(of, &typed.node, *item)?
        } else if typed.ty == *item && !matches!(item, Type::Record(_) | Type::List(_)) {
            typed.node
        } else {
            return self.err(of, format!("{} in a list of {}", typed.ty.name(), item.name()));
        };
        Ok(plain(Node::In(Box::new(node), Box::new(list_typed.node)), Type::Bool))
    }

    /// A text that must be one of an enum's names.
    fn named(&self, at: &IdedExpr, node: &Node, ty: Type) -> Result<Node, String> {
        let Node::Const(Const::Text(name)) = node else {
            return self.err(at, format!("{} can only be compared with one of its names", ty.name()));
        };
        if name == "unknown" {
            return self.err(at, "`unknown` is no value: write `!known(…)`");
        }
        match literal::constant(name, ty, "") {
            Ok(constant) => Ok(Node::Const(constant)),
            Err(message) => self.err(at, message),
        }
    }

    /// `exists` and `all`, which the parser has written out.
    fn walk(&mut self, at: &IdedExpr, walk: &ComprehensionExpr) -> Result<Typed, String> {
        let unsupported = "of CEL's macros there are has, exists and all";
        let Expr::Call(step) = &walk.loop_step.expr else { return self.err(at, unsupported) };
        let all = match (step.func_name.as_str(), &walk.accu_init.expr) {
            (operators::LOGICAL_AND, Expr::Literal(LiteralValue::Boolean(start))) if *start.inner() => true,
            (operators::LOGICAL_OR, Expr::Literal(LiteralValue::Boolean(start))) if !*start.inner() => false,
            _ => return self.err(at, unsupported),
        };
        let holds = match step.args.as_slice() {
            [accu, holds] if accu.expr == Expr::Ident(walk.accu_var.clone()) && walk.iter_var2.is_none() => holds,
            _ => return self.err(at, unsupported),
        };
        let list = self.typed(&walk.iter_range)?;
        let Type::List(item) = list.ty else { return self.err(&walk.iter_range, format!("{} is no list", list.ty.name())) };
        if self.locals.len() == LOCALS_MAX {
            return self.err(at, format!("at most {LOCALS_MAX} lists inside each other"));
        }
        self.locals.push((walk.iter_var.clone(), *item));
        let holds = self.wanted(holds, Type::Bool);
        self.locals.pop();
        Ok(plain(Node::Any { list: Box::new(list.node), holds: Box::new(holds?), all }, Type::Bool))
    }

    /// An expression that must have a type.
    fn wanted(&mut self, at: &IdedExpr, ty: Type) -> Result<Node, String> {
        let typed = self.typed(at)?;
        if matches!((ty, typed.ty), (Type::Enum(_), Type::Text)) {
            return self.named(at, &typed.node, ty);
        }
        if typed.ty == ty { Ok(typed.node) } else { self.err(at, format!("{} where {} is needed", typed.ty.name(), ty.name())) }
    }

    fn text_of(&self, at: &IdedExpr, function: &str) -> Result<String, String> {
        match &at.expr {
            Expr::Literal(LiteralValue::String(text)) => Ok(text.inner().to_owned()),
            _ => self.err(at, format!("`{function}` needs a text in quotes")),
        }
    }
}

const fn plain(node: Node, ty: Type) -> Typed {
    Typed { node, ty, unit: "" }
}

const OPS: [(&str, Op, &str); 17] = [
    (operators::EQUALS, Op::Eq, "=="),
    (operators::NOT_EQUALS, Op::Ne, "!="),
    (operators::LESS, Op::Lt, "<"),
    (operators::LESS_EQUALS, Op::Le, "<="),
    (operators::GREATER, Op::Gt, ">"),
    (operators::GREATER_EQUALS, Op::Ge, ">="),
    (operators::ADD, Op::Add, "+"),
    (operators::SUBSTRACT, Op::Sub, "-"),
    (operators::MULTIPLY, Op::Mul, "*"),
    (operators::DIVIDE, Op::Div, "/"),
    (operators::MODULO, Op::Rem, "%"),
    ("contains", Op::Contains, "contains"),
    ("startsWith", Op::StartsWith, "startsWith"),
    ("endsWith", Op::EndsWith, "endsWith"),
    ("share", Op::Share, "share"),
    ("min", Op::Min, "min"),
    ("max", Op::Max, "max"),
];

fn op(name: &str) -> Option<Op> {
    OPS.iter().find(|(known, ..)| *known == name).map(|(_, op, _)| *op)
}

/// An operator as authors write it.
fn op_text(op: Op) -> &'static str {
    OPS.iter().find(|(_, known, _)| *known == op).map_or("?", |(.., text)| text)
}

#[cfg(test)]
mod tests;
