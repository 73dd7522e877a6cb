//! The facts that a table reads, and for each the values that may make a difference.

use ombud_rows::program::{Const, Node, Path, Root, Step};
use ombud_rows::{Kind, Type};
use ombud_rules::civil::{iso_date, parse_iso_date};

use super::base;
use crate::Compiled;

/// A value that a fact is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// The base case's own.
    Base,
    /// Nobody stated it.
    Unknown,
    Bool(bool),
    /// A number, or milliseconds.
    Int(i64),
    Text(String),
    /// A name of an enum.
    Name(&'static str),
    /// A list with these items, each given by some of its fields.
    Items(Vec<Vec<(u8, Choice)>>),
    /// A list of plain values.
    Values(Vec<Choice>),
    /// A list of so many items of the base kind.
    Count(usize),
}

/// A fact with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Where it stands.
    pub path: Path,
    /// Its values.
    pub values: Vec<Choice>,
    /// Row and place of each value that a row brought, in the order of the rows.
    brought: Vec<(usize, usize)>,
}

/// Combinations of an item's fields, for one condition.
const COMBINED_MAX: usize = 64;

impl Variable {
    /// Places of the values that a row brought.
    pub fn of_row(&self, row: usize) -> Vec<usize> {
        self.brought.iter().filter(|(by, _)| *by == row).map(|(_, place)| *place).collect()
    }
}

/// Every fact that conditions of the table read, with values.
pub fn variables(compiled: &Compiled) -> Vec<Variable> {
    let mut collected = Collected { kind: compiled.kind, variables: Vec::new(), row: 0 };
    for (at, row) in compiled.rows.iter().enumerate() {
        collected.row = at;
        row.when.iter().for_each(|node| collected.node(node));
    }
    if let Some(path) = text_path(compiled.kind) {
        let words: Vec<(usize, &str)> =
            compiled.rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.words.first()?.as_str()))).collect();
        for (at, word) in &words {
            collected.row = *at;
            collected.add(&path, [Choice::Text(format!("您好，{word}。"))]);
        }
        if !words.is_empty() {
            let all: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
            collected.add(&path, [Choice::Text(all.join("，"))]);
        }
    }
    collected.variables
}

/// Where the draft of a reply stands.
pub fn text_path(kind: Kind) -> Option<Path> {
    let (place, _) = kind.roots().case.field("text").filter(|_| kind == Kind::Reply)?;
    Some(Path { root: Root::Case, steps: vec![Step::Field(place)] })
}

struct Collected {
    kind: Kind,
    variables: Vec<Variable>,
    /// The row whose condition is looked at.
    row: usize,
}

impl Collected {
    fn add(&mut self, path: &Path, values: impl IntoIterator<Item = Choice>) {
        let at = match self.variables.iter().position(|known| known.path == *path) {
            Some(at) => at,
            None => {
                self.variables.push(Variable { path: path.clone(), values: self.always(path), brought: Vec::new() });
                self.variables.len() - 1
            }
        };
        if let Some(variable) = self.variables.get_mut(at) {
            for value in values {
                let place = match variable.values.iter().position(|known| *known == value) {
                    Some(place) => place,
                    None => {
                        variable.values.push(value);
                        variable.values.len() - 1
                    }
                };
                if !variable.brought.contains(&(self.row, place)) {
                    variable.brought.push((self.row, place));
                }
            }
        }
    }

    /// Values of every fact of a type, whatever it is compared with.
    fn always(&self, path: &Path) -> Vec<Choice> {
        let mut values = vec![Choice::Base];
        let Some((ty, optional)) = base::type_of(self.kind, path) else { return values };
        match ty {
            Type::Bool => values.extend([Choice::Bool(true), Choice::Bool(false)]),
            Type::List(_) => values.push(Choice::Count(0)),
            _ => {}
        }
        if optional {
            values.push(Choice::Unknown);
        }
        values
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Const(_) => {}
            Node::Path(path) | Node::Known { path, .. } => self.path(path),
            Node::Not(of) | Node::Negate(of) => self.node(of),
            Node::And(left, right) | Node::Or(left, right) => {
                self.node(left);
                self.node(right);
            }
            Node::If(condition, yes, no) => [condition, yes, no].into_iter().for_each(|node| self.node(node)),
            Node::Among(of, values) => match of.as_ref() {
                Node::Path(path) => values.iter().for_each(|value| self.near(path, value)),
                other => self.node(other),
            },
            Node::In(of, list) => match (of.as_ref(), list.as_ref()) {
                (Node::Const(value), Node::Path(path)) => {
                    let item =
                        base::type_of(self.kind, path).and_then(|(ty, _)| if let Type::List(item) = ty { Some(*item) } else { None });
                    let values = item.map(|item| near(value, item)).unwrap_or_default();
                    self.add(path, values.into_iter().map(|value| Choice::Values(vec![value])));
                }
                (of, list) => {
                    self.node(of);
                    self.node(list);
                }
            },
            Node::Size(of) => self.node(of),
            Node::Two(_, left, right) => self.two(left, right),
            Node::Any { list, holds, .. } => self.list(list, holds),
        }
    }

    fn path(&mut self, path: &Path) {
        if !matches!(path.root, Root::Local(_)) {
            self.add(path, self.always(path));
        }
    }

    fn near(&mut self, path: &Path, value: &Const) {
        if let (Some((ty, _)), false) = (base::type_of(self.kind, path), matches!(path.root, Root::Local(_))) {
            self.add(path, near(value, ty));
        }
    }

    fn two(&mut self, left: &Node, right: &Node) {
        match (left, right) {
            (Node::Path(path), Node::Const(value)) | (Node::Const(value), Node::Path(path)) => self.near(path, value),
            // The size of a list, or of a text, around a number.
            (Node::Size(of), Node::Const(Const::Int(size))) | (Node::Const(Const::Int(size)), Node::Size(of)) => match of.as_ref() {
                Node::Path(path) => {
                    let sizes =
                        [size - 1, *size, size + 1].into_iter().filter_map(|size| usize::try_from(size).ok()).filter(|size| *size <= 20);
                    self.add(path, sizes.map(Choice::Count));
                }
                other => self.node(other),
            },
            // The time between two facts: the first is placed around the second.
            (Node::Two(op, one, other), Node::Const(Const::Duration(millis))) if *op == ombud_rows::program::Op::Sub => {
                if let (Node::Path(one), Node::Path(other)) = (one.as_ref(), other.as_ref()) {
                    let base = base::number(self.kind, other).unwrap_or(0);
                    self.add(one, [-1, 0, 1].map(|step| Choice::Int(base.saturating_add(*millis).saturating_add(step))));
                    self.path(other);
                } else {
                    self.node(one);
                    self.node(other);
                }
            }
            (left, right) => {
                // Two facts, or arithmetic: each takes the values that the other has in the base case.
                for (one, other) in [(left, right), (right, left)] {
                    if let (Node::Path(path), Node::Path(with)) = (one, other)
                        && let Some(number) = base::number(self.kind, with)
                    {
                        self.add(path, [-1, 0, 1].map(|step| Choice::Int(number.saturating_add(step))));
                    }
                }
                self.node(left);
                self.node(right);
            }
        }
    }

    /// `exists` and `all`: no item, one item for each value that one of its fields is compared with, and one for each combination of them.
    fn list(&mut self, list: &Node, holds: &Node) {
        let Node::Path(path) = list else { return self.node(holds) };
        let Some((Type::List(item), _)) = base::type_of(self.kind, path) else { return };
        let mut choices = Vec::new();
        fields(holds, item, &mut choices);
        let together = combined(&choices);
        let alone = choices.into_iter().map(|choice| match choice {
            (Some(field), value) => Choice::Items(vec![vec![(field, value)]]),
            (None, value) => Choice::Values(vec![value]),
        });
        let lists = alone.chain(together.into_iter().map(|item| Choice::Items(vec![item])));
        self.add(path, lists.collect::<Vec<_>>());
        // Facts of the case beside the item's own.
        super::super::compile::paths(holds, &mut |path| self.path(path));
    }
}

/// Items that have a value of several fields each; of a single field they are there already.
fn combined(choices: &[(Option<u8>, Choice)]) -> Vec<Vec<(u8, Choice)>> {
    let mut fields: Vec<(u8, Vec<&Choice>)> = Vec::new();
    for (field, value) in choices.iter().filter_map(|(field, value)| Some((field.as_ref()?, value))) {
        match fields.iter_mut().find(|(known, _)| known == field) {
            Some((_, values)) if !values.contains(&value) => values.push(value),
            Some(_) => {}
            None => fields.push((*field, vec![value])),
        }
    }
    if fields.len() < 2 {
        return Vec::new();
    }
    let mut items: Vec<Vec<(u8, Choice)>> = vec![Vec::new()];
    for (field, values) in &fields {
        let longer = items.iter().flat_map(|item| values.iter().map(|value| [item.as_slice(), &[(*field, (*value).clone())]].concat()));
        items = longer.take(COMBINED_MAX).collect();
    }
    items
}

/// The fields of an item that a condition compares, each with a value; no field for a plain item.
fn fields(node: &Node, item: &Type, out: &mut Vec<(Option<u8>, Choice)>) {
    let mut compare = |path: &Path, values: &[&Const]| {
        let field = match (path.root, path.steps.as_slice(), item) {
            (Root::Local(_), [Step::Field(place)], Type::Record(schema)) => {
                schema.fields.get(usize::from(*place)).map(|field| (Some(*place), field.ty))
            }
            (Root::Local(_), [], ty) => Some((None, *ty)),
            _ => None,
        };
        if let Some((place, ty)) = field {
            out.extend(values.iter().flat_map(|value| near(value, ty)).map(|value| (place, value)));
        }
    };
    match node {
        Node::Two(_, left, right) => match (left.as_ref(), right.as_ref()) {
            (Node::Path(path), Node::Const(value)) | (Node::Const(value), Node::Path(path)) => compare(path, &[value]),
            (left, right) => {
                fields(left, item, out);
                fields(right, item, out);
            }
        },
        Node::Among(of, values) => {
            if let Node::Path(path) = of.as_ref() {
                compare(path, &values.iter().collect::<Vec<_>>());
            }
        }
        Node::Path(path) => compare(path, &[&Const::Bool(true)]),
        Node::Not(of) => fields(of, item, out),
        Node::And(left, right) | Node::Or(left, right) => {
            fields(left, item, out);
            fields(right, item, out);
        }
        _ => {}
    }
}

/// A constant and its neighbours.
fn near(value: &Const, ty: Type) -> Vec<Choice> {
    match value {
        Const::Bool(_) => vec![Choice::Bool(true), Choice::Bool(false)],
        Const::Int(number) | Const::Instant(number) | Const::Duration(number) => {
            [number.saturating_sub(1), *number, number.saturating_add(1)].map(Choice::Int).to_vec()
        }
        Const::Text(text) => {
            let mut texts = vec![text.clone()];
            match parse_iso_date(text) {
                Some(day) => texts.extend([iso_date(day - 1), iso_date(day + 1)]),
                None => texts.push("another".to_owned()),
            }
            texts.into_iter().map(Choice::Text).collect()
        }
        Const::Enum(place) => match ty {
            Type::Enum(of) => {
                let named = (of.text)(*place);
                // One more name, so that a row for the others is met too.
                let other = of.names().find(|name| Some(*name) != named);
                named.into_iter().chain(other).map(Choice::Name).collect()
            }
            _ => Vec::new(),
        },
    }
}
