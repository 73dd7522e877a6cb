//! Compiled conditions: an expression as a tree for the author's side, as bytes for the policy's.
//!
//! The bytes are the tree in prefix order, so that they are evaluated as they are read: no parser and no allocation in a policy. The
//! meaning is that of CEL (<https://github.com/google/cel-spec>): a fact that is not known is an error there and
//! [`Value::Unknown`](crate::fact::Value::Unknown) here, and `&&`, `||`, `all` and `exists` decide without it where they can.

mod check;
mod eval;
mod write;

use crate::fact::{Record, Schema};

pub use check::{Malformed, check, field_at};
pub use eval::{Env, eval};
pub use write::encode;

/// The longest program, in bytes.
pub const PROGRAM_BYTES_MAX: usize = 4096;
/// How deep expressions may be nested.
pub const DEPTH_MAX: usize = 40;
/// How many lists may be walked inside each other.
pub const LOCALS_MAX: usize = 4;

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// A field of the case, named without a prefix.
    Case,
    /// `context`.
    Context,
    /// `derived`.
    Derived,
    /// `episode`, for kind delay.
    Item,
    /// The variable of the n-th enclosing list, outermost 0.
    Local(u8),
}

/// A step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The field at this place of the record's schema.
    Field(u8),
    /// The item at this place of a list.
    At(u8),
}

/// A path to a fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where it begins.
    pub root: Root,
    /// How it goes on.
    pub steps: Vec<Step>,
}

/// An operator of two operands of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    Eq = 0,
    Ne = 1,
    Lt = 2,
    Le = 3,
    Gt = 4,
    Ge = 5,
    Add = 6,
    Sub = 7,
    Mul = 8,
    Div = 9,
    Rem = 10,
    Contains = 11,
    StartsWith = 12,
    EndsWith = 13,
    /// A share of an amount in basis points, half up to 1 fen.
    Share = 14,
    Min = 15,
    Max = 16,
}

impl Op {
    const ALL: [Self; 17] = [
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Le,
        Self::Gt,
        Self::Ge,
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Rem,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Share,
        Self::Min,
        Self::Max,
    ];
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Const {
    Bool(bool),
    Int(i64),
    Text(String),
    /// A case of an enum by its place.
    Enum(u8),
    /// Milliseconds since 1970-01-01 UTC.
    Instant(i64),
    /// Milliseconds.
    Duration(i64),
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    Const(Const),
    Path(Path),
    /// Whether a fact is known: the last step alone may be unknown (`has`), or any (`known`).
    Known {
        path: Path,
        strict: bool,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Two(Op, Box<Node>, Box<Node>),
    /// A value among constants.
    Among(Box<Node>, Vec<Const>),
    /// A value among the items of a list.
    In(Box<Node>, Box<Node>),
    /// Items of a list, or characters of a text.
    Size(Box<Node>),
    /// Whether the condition holds for one item, or for all.
    Any {
        list: Box<Node>,
        holds: Box<Node>,
        all: bool,
    },
}

/// The records that paths of a table begin in.
#[derive(Clone, Copy, Debug)]
pub struct Roots {
    /// Of the case.
    pub case: &'static Schema,
    /// Of the context.
    pub context: &'static Schema,
    /// Of the derived facts.
    pub derived: &'static Schema,
    /// Of the item, for kinds that decide item by item.
    pub item: Option<&'static Schema>,
}

impl Roots {
    /// The schema of a root that is a record.
    pub const fn of(&self, root: Root) -> Option<&'static Schema> {
        match root {
            Root::Case => Some(self.case),
            Root::Context => Some(self.context),
            Root::Derived => Some(self.derived),
            Root::Item => self.item,
            Root::Local(_) => None,
        }
    }
}

/// The records themselves.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    /// The case.
    pub case: &'a dyn Record,
    /// The context.
    pub context: &'a dyn Record,
    /// The derived facts.
    pub derived: &'a dyn Record,
    /// The item.
    pub item: Option<&'a dyn Record>,
}

/// The codes of the bytes; [`Op`] follows from [`code::TWO`] on.
mod code {
    pub const FALSE: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const INT: u8 = 2;
    pub const TEXT: u8 = 3;
    pub const ENUM: u8 = 4;
    pub const INSTANT: u8 = 5;
    pub const DURATION: u8 = 6;
    pub const PATH: u8 = 7;
    pub const HAS: u8 = 8;
    pub const KNOWN: u8 = 9;
    pub const NOT: u8 = 10;
    pub const NEGATE: u8 = 11;
    pub const AND: u8 = 12;
    pub const OR: u8 = 13;
    pub const IF: u8 = 14;
    pub const AMONG: u8 = 15;
    pub const IN: u8 = 16;
    pub const SIZE: u8 = 17;
    pub const EXISTS: u8 = 18;
    pub const ALL: u8 = 19;
    pub const TWO: u8 = 32;
    /// Roots of a path; a local follows from [`LOCAL`] on.
    pub const CASE: u8 = 0;
    pub const CONTEXT: u8 = 1;
    pub const DERIVED: u8 = 2;
    pub const ITEM: u8 = 3;
    pub const LOCAL: u8 = 16;
    /// A step that goes to an item of a list; below it a field.
    pub const AT: u8 = 128;
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
struct Code<'a>(&'a [u8]);

impl<'a> Code<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn length(&mut self) -> Option<usize> {
        let bytes = self.take(2)?;
        Some(usize::from(u16::from_le_bytes([*bytes.first()?, *bytes.get(1)?])))
    }

    /// A number of at most ten bytes, seven bits each, lowest first, sign in the lowest bit.
    fn int(&mut self) -> Option<i64> {
        let mut value: u64 = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127).checked_shl(shift)?;
            if byte < 128 {
                return Some((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        core::str::from_utf8(self.take(length)?).ok()
    }

    fn root(&mut self) -> Option<Root> {
        Some(match self.byte()? {
            code::CASE => Root::Case,
            code::CONTEXT => Root::Context,
            code::DERIVED => Root::Derived,
            code::ITEM => Root::Item,
            local => Root::Local(local.checked_sub(code::LOCAL)?),
        })
    }

    /// The steps of a path.
    fn steps(&mut self) -> Option<&'a [u8]> {
        let count = usize::from(self.byte()?);
        self.take(count)
    }
}
