//! A compiled decision table: rows with a condition and what follows from it, as deterministic CBOR behind a checksum.
//!
//! A component reads its table anew for every decision. So the rows stay packed, one piece of CBOR each: of a row that does not match only its
//! condition is ever looked at.

use minicbor::bytes::{ByteSlice, ByteVec};
use minicbor::{Decode, Decoder, Encode, decode};
use ombud_rules::contract::types::{Role, Severity};
use ombud_rules::contract::{after_sale, blacklist, delay, reply, types};

use crate::fact::derived::{AFTER_SALE, BLACKLIST, DELAY, REPLY};
use crate::fact::{Fact, Schema, Type};
use crate::program::{Malformed, Roots, check};

/// The format of [`Table`]; another one is refused.
pub const FORMAT: u8 = 2;
/// Rows of one table.
pub const ROWS_MAX: usize = 500;
/// A compiled table, in bytes.
pub const TABLE_BYTES_MAX: usize = 128 << 10;
/// A row's id, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// The kinds a table can be of, in the order of their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    AfterSale,
    Delay,
    Blacklist,
    Reply,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::AfterSale, Self::Delay, Self::Blacklist, Self::Reply];

    /// The name used everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AfterSale => "after-sale",
            Self::Delay => "delay",
            Self::Blacklist => "blacklist",
            Self::Reply => "reply",
        }
    }

    /// The name of its property in settings.
    pub const fn property(self) -> &'static str {
        match self {
            Self::AfterSale => "after_sale",
            other => other.as_str(),
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What the paths of its tables begin in.
    pub fn roots(self) -> Roots {
        let (case, derived, item): (Type, &'static Schema, Option<Type>) = match self {
            Self::AfterSale => (after_sale::AfterSaleCase::TYPE, &AFTER_SALE, None),
            Self::Delay => (delay::DelayCase::TYPE, &DELAY, Some(delay::Episode::TYPE)),
            Self::Blacklist => (blacklist::BlacklistCase::TYPE, &BLACKLIST, None),
            Self::Reply => (reply::ReplyCase::TYPE, &REPLY, None),
        };
        Roots { case: record(case), context: record(types::Context::TYPE), derived, item: item.map(record) }
    }

    /// The name of the outcome at a place.
    pub fn outcome(self, place: u8) -> Option<&'static str> {
        let place = usize::from(place);
        match self {
            Self::AfterSale => after_sale::Outcome::ALL.get(place).map(|outcome| outcome.as_str()),
            Self::Delay => delay::Outcome::ALL.get(place).map(|outcome| outcome.as_str()),
            Self::Blacklist => blacklist::Outcome::ALL.get(place).map(|outcome| outcome.as_str()),
            Self::Reply => reply::Verdict::ALL.get(place).map(|outcome| outcome.as_str()),
        }
    }
}

fn record(ty: Type) -> &'static Schema {
    static NOTHING: Schema = Schema { name: "nothing", fields: &[] };
    match ty {
        Type::Record(schema) => schema,
        _ => &NOTHING,
    }
}

/// Which of the rows that match decide (DMN 1.5, 8.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Hit {
    /// The first.
    #[n(0)]
    First,
    /// The only one; a person decides where several match.
    #[n(1)]
    Unique,
    /// All of them: their amounts are added up.
    #[n(2)]
    CollectSum,
    /// All of them: the largest amount.
    #[n(3)]
    CollectMax,
    /// All of them: the smallest amount.
    #[n(4)]
    CollectMin,
}

/// What a row does whose condition hangs on a fact that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WhenUnknown {
    /// It does not match. What a later row then refuses is asked of a person all the same.
    #[n(0)]
    Skip,
    /// Evidence is asked for.
    #[n(1)]
    Ask,
    /// A person decides.
    #[n(2)]
    Review,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Decode)]
#[cbor(array)]
pub struct Table<'b> {
    /// [`FORMAT`].
    #[n(0)]
    pub format: u8,
    /// Place of the kind in [`Kind::ALL`].
    #[n(1)]
    pub kind: u8,
    /// Which rows decide.
    #[n(2)]
    pub hit: Hit,
    /// The rows, in order.
    #[b(3)]
    pub rows: Vec<Packed<'b>>,
    /// What holds where no row matches; without it a person decides. Its condition is empty.
    #[b(4)]
    pub default: Option<Packed<'b>>,
}

/// A row as it lies in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed<'b>(&'b [u8]);

impl<'b, C> Decode<'b, C> for Packed<'b> {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        decoder.bytes().map(Self)
    }
}

impl<'b> Packed<'b> {
    /// The condition alone; empty = always.
    pub fn when(self) -> &'b [u8] {
        let read = || -> Result<&'b [u8], decode::Error> {
            let mut decoder = Decoder::new(self.0);
            decoder.array()?;
            decoder.str()?;
            decoder.bytes()
        };
        sound(read())
    }

    /// The whole row.
    pub fn row(self) -> Row<'b> {
        sound(minicbor::decode(self.0))
    }
}

/// What a table was found to be when it was read. Bytes under a forged checksum may be anything: the instance ends, which is a fault, and a
/// person decides.
fn sound<T>(read: Result<T, decode::Error>) -> T {
    read.unwrap_or_else(|_| std::process::abort())
}

/// A table as it is written.
#[derive(Encode)]
#[cbor(array)]
struct Written {
    #[n(0)]
    format: u8,
    #[n(1)]
    kind: u8,
    #[n(2)]
    hit: Hit,
    #[n(3)]
    rows: Vec<ByteVec>,
    #[n(4)]
    default: Option<ByteVec>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Row<'b> {
    /// The rule id its reason has, e.g. `FRESH-1`.
    #[b(0)]
    pub id: &'b str,
    /// The condition; empty = always.
    #[b(1)]
    pub when: &'b ByteSlice,
    /// What an unknown fact does.
    #[n(2)]
    pub unknown: WhenUnknown,
    /// Place of the outcome in the kind's enum (of a reply: of the verdict).
    #[n(3)]
    pub outcome: u8,
    /// Refund, or value of the award, in fen.
    #[b(4)]
    pub amount: Option<&'b ByteSlice>,
    /// Place of the reason's severity.
    #[n(5)]
    pub severity: u8,
    /// Source and locator of each authority.
    #[b(6)]
    pub sources: Vec<(&'b str, &'b str)>,
    /// Paths of the facts its reason shows, each root and steps as in a program.
    #[b(7)]
    pub reads: Vec<&'b ByteSlice>,
    /// Codes of what is to be produced.
    #[b(8)]
    pub missing: Vec<&'b str>,
    /// What is to be done beside what the outcome brings with it.
    #[b(9)]
    pub duties: Vec<Duty<'b>>,
    /// What only one kind has.
    #[b(10)]
    pub more: More<'b>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Duty<'b> {
    /// A code of domain model 4.5.
    #[b(0)]
    pub action: &'b str,
    /// Place of the role.
    #[n(1)]
    pub owner: u8,
    /// Hours from now.
    #[n(2)]
    pub due_h: Option<u32>,
}

/// What only one kind has. Enums are places in the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct More<'b> {
    /// After-sale: the requests the customer may choose of.
    #[n(0)]
    pub options: Vec<u8>,
    /// After-sale: who bears the return freight.
    #[n(1)]
    pub payer: Option<u8>,
    /// After-sale: what is offered instead of what is refused.
    #[b(2)]
    pub alternative: Option<&'b str>,
    /// Delay: form of the award.
    #[n(3)]
    pub form: Option<u8>,
    /// Delay: tier of the award.
    #[n(4)]
    pub tier: Option<u8>,
    /// Blacklist: the measure.
    #[n(5)]
    pub measure: Option<u8>,
    /// Blacklist: who acts next.
    #[n(6)]
    pub next_role: Option<u8>,
    /// Blacklist: days until the measure is reviewed.
    #[n(7)]
    pub review_days: Option<u32>,
    /// Reply: words of which one must stand in the draft, as on the view that undoes evasion.
    #[b(8)]
    pub words: Vec<&'b str>,
    /// Reply: what is done about the words found.
    #[n(9)]
    pub action: Option<u8>,
}

/// Why bytes are no table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTable(pub String);

/// Bytes of the checksum before a table.
const CHECKSUM_BYTES: usize = 8;

impl<'b> Table<'b> {
    /// Reads and checks a table of a kind.
    pub fn read(bytes: &'b [u8], kind: Kind) -> Result<Self, BadTable> {
        let table = Self::unchecked(bytes, kind)?;
        let roots = kind.roots();
        for row in table.rows.iter().chain(&table.default) {
            let row: Row<'_> = minicbor::decode(row.0).map_err(|error| BadTable(format!("not a compiled table: {error}")))?;
            row.check(kind, &roots).map_err(|what| BadTable(format!("row `{}`: {what}", row.id)))?;
        }
        Ok(table)
    }

    /// Reads a table under its checksum: its author's tools have checked the rows, and nobody changed them since.
    ///
    /// A checksum is no signature. Whoever computes one over other bytes spoils nothing but the own policy, whose decisions end in faults. It
    /// spares every decision a check of rows that it does not need.
    pub fn unchecked(bytes: &'b [u8], kind: Kind) -> Result<Self, BadTable> {
        if bytes.len() > TABLE_BYTES_MAX {
            return Err(BadTable(format!("{} bytes are more than {TABLE_BYTES_MAX}", bytes.len())));
        }
        let Some((sum, content)) = bytes.split_first_chunk::<CHECKSUM_BYTES>() else { return Err(changed()) };
        if checksum(content).to_le_bytes() != *sum {
            return Err(changed());
        }
        let table: Self = minicbor::decode(content).map_err(|error| BadTable(format!("not a compiled table: {error}")))?;
        if table.format != FORMAT {
            return Err(BadTable(format!("format {} instead of {FORMAT}: compile the table again", table.format)));
        }
        if Kind::ALL.get(usize::from(table.kind)) != Some(&kind) {
            return Err(BadTable(format!("not a table of kind {}", kind.as_str())));
        }
        if table.rows.len() > ROWS_MAX {
            return Err(BadTable(format!("{} rows are more than {ROWS_MAX}", table.rows.len())));
        }
        Ok(table)
    }

    /// The kind of a table that was read.
    pub fn kind(&self) -> Kind {
        Kind::ALL.get(usize::from(self.kind)).copied().unwrap_or(Kind::AfterSale)
    }
}

/// The bytes of a table.
pub fn bytes(kind: Kind, hit: Hit, rows: &[Row<'_>], default: Option<&Row<'_>>) -> Vec<u8> {
    // Memory takes every byte and every part can be encoded: there is no error to meet.
    let packed = |row: &Row<'_>| ByteVec::from(minicbor::to_vec(row).unwrap_or_default());
    let written = Written { format: FORMAT, kind: kind as u8, hit, rows: rows.iter().map(packed).collect(), default: default.map(packed) };
    let content = minicbor::to_vec(written).unwrap_or_default();
    [checksum(&content).to_le_bytes().as_slice(), &content].concat()
}

fn changed() -> BadTable {
    BadTable("not a compiled table, or changed by hand: compile the table again".to_owned())
}

/// Eight bytes a step, for every decision computes it.
fn checksum(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut sum = bytes.len() as u64;
    let mut add = |word: u64| sum = (sum.rotate_left(5) ^ word).wrapping_mul(SEED);
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
    rest.iter().for_each(|byte| add(u64::from(*byte)));
    sum ^ (sum >> 32)
}

impl Row<'_> {
    fn check(&self, kind: Kind, roots: &Roots) -> Result<(), &'static str> {
        let fits = |holds: bool, what: &'static str| if holds { Ok(()) } else { Err(what) };
        let place = |place: Option<u8>, count: usize, what| fits(place.is_none_or(|place| usize::from(place) < count), what);
        fits(!self.id.is_empty() && self.id.len() <= ID_BYTES_MAX, "an id has 1 to 64 bytes")?;
        fits(kind.outcome(self.outcome).is_some(), "no such outcome")?;
        place(Some(self.severity), Severity::ALL.len(), "no such severity")?;
        if !self.when.is_empty() {
            of_type(check(self.when, roots), Type::Bool)?;
        }
        if let Some(amount) = self.amount {
            of_type(check(amount, roots), Type::Int)?;
        }
        for read in &self.reads {
            fits(crate::reason::ends_somewhere(roots, read), "a reason shows a fact that there is not")?;
        }
        for duty in &self.duties {
            place(Some(duty.owner), Role::ALL.len(), "no such role")?;
        }
        let more = &self.more;
        fits(more.options.iter().all(|option| usize::from(*option) < after_sale::RequestKind::ALL.len()), "no such request")?;
        place(more.payer, after_sale::Payer::ALL.len(), "no such payer")?;
        place(more.form, delay::CompForm::ALL.len(), "no such form")?;
        place(more.tier, delay::Tier::ALL.len(), "no such tier")?;
        place(more.measure, types::CustomerMeasure::ALL.len(), "no such measure")?;
        place(more.next_role, Role::ALL.len(), "no such role")?;
        place(more.action, reply::Action::ALL.len(), "no such action")
    }
}

fn of_type(found: Result<Type, Malformed>, wanted: Type) -> Result<(), &'static str> {
    match found {
        Ok(ty) if ty == wanted => Ok(()),
        Ok(_) => Err("a condition is a bool and an amount a number"),
        Err(Malformed(what)) => Err(what),
    }
}
