//! Whether bytes are a program, and of which type its value is. What passes is evaluated without a surprise: every place exists, every
//! operator gets what it can work on.

use super::{Code, DEPTH_MAX, LOCALS_MAX, Op, PROGRAM_BYTES_MAX, Root, Roots, code};
use crate::fact::{EnumType, Field, Type};

/// The bytes are no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The type of the program's value.
pub fn check(program: &[u8], roots: &Roots) -> Result<Type, Malformed> {
    if program.len() > PROGRAM_BYTES_MAX {
        return Err(Malformed("the program is longer than allowed"));
    }
    let mut checker = Checker { roots, locals: Vec::new(), depth: 0 };
    let mut code = Code(program);
    let found = checker.node(&mut code)?;
    if !code.0.is_empty() {
        return Err(Malformed("there is something after the program"));
    }
    found.sure()
}

/// The type found; a constant of an enum fits any enum that has its place.
#[derive(Clone, Copy)]
enum Found {
    Sure(Type),
    EnumPlace(u8),
}

impl Found {
    fn sure(self) -> Result<Type, Malformed> {
        match self {
            Self::Sure(ty) => Ok(ty),
            Self::EnumPlace(_) => Err(Malformed("an enum's case stands alone")),
        }
    }

    fn is(self, wanted: Type) -> Result<(), Malformed> {
        match (self, wanted) {
            (Self::Sure(ty), wanted) if ty == wanted => Ok(()),
            (Self::EnumPlace(place), Type::Enum(EnumType { text, .. })) if text(place).is_some() => Ok(()),
            _ => Err(Malformed("the types of the operands do not fit")),
        }
    }
}

struct Checker<'a> {
    roots: &'a Roots,
    locals: Vec<Type>,
    depth: usize,
}

const CUT_SHORT: Malformed = Malformed("the program is cut short");

impl Checker<'_> {
    fn node(&mut self, code: &mut Code<'_>) -> Result<Found, Malformed> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Malformed("the program is nested too deeply"));
        }
        let found = self.found(code);
        self.depth -= 1;
        found
    }

    fn found(&mut self, code: &mut Code<'_>) -> Result<Found, Malformed> {
        let op = code.byte().ok_or(CUT_SHORT)?;
        Ok(Found::Sure(match op {
            code::FALSE | code::TRUE => Type::Bool,
            code::INT => code.int().map(|_| Type::Int).ok_or(CUT_SHORT)?,
            code::INSTANT => code.int().map(|_| Type::Instant).ok_or(CUT_SHORT)?,
            code::DURATION => code.int().map(|_| Type::Duration).ok_or(CUT_SHORT)?,
            code::TEXT => code.text().map(|_| Type::Text).ok_or(Malformed("a text is cut short or no UTF-8"))?,
            code::ENUM => return Ok(Found::EnumPlace(code.byte().ok_or(CUT_SHORT)?)),
            code::PATH => self.path(code)?,
            code::HAS | code::KNOWN => self.path(code).map(|_| Type::Bool)?,
            code::NOT => {
                self.node(code)?.is(Type::Bool)?;
                Type::Bool
            }
            code::NEGATE => match self.node(code)?.sure()? {
                ty @ (Type::Int | Type::Duration) => ty,
                _ => return Err(Malformed("only numbers and durations have a sign")),
            },
            code::AND | code::OR => {
                self.node(code)?.is(Type::Bool)?;
                self.sized(code)?.is(Type::Bool)?;
                Type::Bool
            }
            code::IF => {
                self.node(code)?.is(Type::Bool)?;
                let yes = self.sized(code)?.sure()?;
                self.sized(code)?.is(yes)?;
                yes
            }
            code::AMONG => {
                let of = self.node(code)?.sure()?;
                for _ in 0..code.byte().ok_or(CUT_SHORT)? {
                    if code.0.first().is_none_or(|op| *op > code::DURATION) {
                        return Err(Malformed("only constants can be listed"));
                    }
                    self.found(code)?.is(of)?;
                }
                Type::Bool
            }
            code::IN => {
                let of = self.node(code)?;
                let Type::List(item) = self.node(code)?.sure()? else { return Err(Malformed("`in` needs a list")) };
                of.is(*item)?;
                Type::Bool
            }
            code::SIZE => match self.node(code)?.sure()? {
                Type::Text | Type::List(_) => Type::Int,
                _ => return Err(Malformed("only texts and lists have a size")),
            },
            code::EXISTS | code::ALL => {
                let Type::List(item) = self.node(code)?.sure()? else { return Err(Malformed("only lists have items")) };
                if self.locals.len() == LOCALS_MAX {
                    return Err(Malformed("too many lists inside each other"));
                }
                self.locals.push(*item);
                let holds = self.sized(code).and_then(|holds| holds.is(Type::Bool));
                self.locals.pop();
                holds?;
                Type::Bool
            }
            op => {
                let place = op.checked_sub(code::TWO).map(usize::from).and_then(|place| Op::ALL.get(place));
                let op = *place.ok_or(Malformed("no such operation"))?;
                let (left, right) = (self.node(code)?, self.node(code)?);
                two(op, left, right)?
            }
        }))
    }

    /// A part with its length before it.
    fn sized(&mut self, code: &mut Code<'_>) -> Result<Found, Malformed> {
        let length = code.length().ok_or(CUT_SHORT)?;
        let mut part = Code(code.take(length).ok_or(CUT_SHORT)?);
        let found = self.node(&mut part)?;
        if part.0.is_empty() { Ok(found) } else { Err(Malformed("a part is longer than its expression")) }
    }

    fn path(&self, code: &mut Code<'_>) -> Result<Type, Malformed> {
        let root = code.root().ok_or(CUT_SHORT)?;
        let steps = code.steps().ok_or(CUT_SHORT)?;
        let start = match root {
            Root::Local(depth) => self.locals.get(usize::from(depth)).copied(),
            root => self.roots.of(root).map(Type::Record),
        };
        let mut ty = start.ok_or(Malformed("there is no such record"))?;
        for step in steps {
            ty = match ty {
                Type::Record(schema) if *step < code::AT => {
                    schema.fields.get(usize::from(*step)).ok_or(Malformed("there is no such field"))?.ty
                }
                Type::List(item) if *step >= code::AT => *item,
                _ => return Err(Malformed("a path goes on where nothing is")),
            };
        }
        Ok(ty)
    }
}

/// The type that an operator gives.
fn two(op: Op, left: Found, right: Found) -> Result<Type, Malformed> {
    let same = |ty: Type| right.is(ty);
    let Found::Sure(ty) = left else {
        // A case of an enum on the left: the other side says which.
        right.sure().and_then(|ty| left.is(ty))?;
        return if matches!(op, Op::Eq | Op::Ne) { Ok(Type::Bool) } else { Err(Malformed("names have no order")) };
    };
    let wrong = Err(Malformed("the types of the operands do not fit"));
    match (op, ty) {
        (_, Type::Record(_) | Type::List(_)) => Err(Malformed("records and lists cannot be compared")),
        (Op::Eq | Op::Ne, _) => same(ty).map(|()| Type::Bool),
        (Op::Lt | Op::Le | Op::Gt | Op::Ge, Type::Int | Type::Text | Type::Instant | Type::Duration) => same(ty).map(|()| Type::Bool),
        (Op::Contains | Op::StartsWith | Op::EndsWith, Type::Text) => same(ty).map(|()| Type::Bool),
        (Op::Sub, Type::Instant) if matches!(right, Found::Sure(Type::Instant)) => Ok(Type::Duration),
        (Op::Add | Op::Sub, Type::Instant) => right.is(Type::Duration).map(|()| Type::Instant),
        (Op::Add | Op::Sub, Type::Duration) => same(ty).map(|()| Type::Duration),
        (Op::Min | Op::Max, Type::Int | Type::Duration | Type::Instant) => same(ty).map(|()| ty),
        (Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem | Op::Share, Type::Int) => same(ty).map(|()| Type::Int),
        _ => wrong,
    }
}

/// The field that a path of a checked program ends in; none where it ends in an item of a list or in the root itself.
pub fn field_at(roots: &Roots, root: Root, steps: &[super::Step]) -> Option<&'static Field> {
    let mut ty = Type::Record(roots.of(root)?);
    let mut last = None;
    for step in steps {
        (ty, last) = match (ty, step) {
            (Type::Record(schema), super::Step::Field(place)) => {
                let field = schema.fields.get(usize::from(*place))?;
                (field.ty, Some(field))
            }
            (Type::List(item), super::Step::At(_)) => (*item, None),
            _ => return None,
        };
    }
    last
}
