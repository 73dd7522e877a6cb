//! How a value crosses between the host's type and the binding's type: scalars as they are, lists and options element by
//! element, records and enums by the tables of `convert`.

use ombud_rules::contract::after_sale::OrderFlags;

/// A host value that has a counterpart in the bindings.
pub(crate) trait Lower {
    /// The binding's type.
    type Guest;
    /// The same value as the binding's type.
    fn lower(&self) -> Self::Guest;
}

/// A binding's value that has a counterpart on the host.
pub(crate) trait Raise {
    /// The host's type.
    type Host;
    /// The same value as the host's type.
    fn raise(self) -> Self::Host;
}

macro_rules! scalar {
    ($($ty:ty),+) => {$(
        impl Lower for $ty { type Guest = $ty; fn lower(&self) -> $ty { self.clone() } }
        impl Raise for $ty { type Host = $ty; fn raise(self) -> $ty { self } }
    )+};
}
scalar!(bool, u32, i32, i64, String);

impl<T: Lower> Lower for Option<T> {
    type Guest = Option<T::Guest>;
    fn lower(&self) -> Self::Guest {
        self.as_ref().map(Lower::lower)
    }
}

impl<T: Raise> Raise for Option<T> {
    type Host = Option<T::Host>;
    fn raise(self) -> Self::Host {
        self.map(Raise::raise)
    }
}

impl<T: Lower> Lower for Vec<T> {
    type Guest = Vec<T::Guest>;
    fn lower(&self) -> Self::Guest {
        self.iter().map(Lower::lower).collect()
    }
}

impl<T: Raise> Raise for Vec<T> {
    type Host = Vec<T::Host>;
    fn raise(self) -> Self::Host {
        self.into_iter().map(Raise::raise).collect()
    }
}

impl Lower for OrderFlags {
    type Guest = super::bindings::ombud::policy::after_sale_types::OrderFlags;
    fn lower(&self) -> Self::Guest {
        use super::bindings::ombud::policy::after_sale_types::OrderFlags as Guest;
        [
            (Self::PRESALE_DEPOSIT, Guest::PRESALE_DEPOSIT),
            (Self::CROSS_BORDER, Guest::CROSS_BORDER),
            (Self::GIFT_ORDER, Guest::GIFT_ORDER),
            (Self::MINOR_BUYER, Guest::MINOR_BUYER),
        ]
        .into_iter()
        .filter(|(flag, _)| self.contains(*flag))
        .fold(Guest::empty(), |all, (_, flag)| all | flag)
    }
}

impl Raise for super::bindings::ombud::policy::after_sale_types::OrderFlags {
    type Host = OrderFlags;
    fn raise(self) -> OrderFlags {
        [
            (Self::PRESALE_DEPOSIT, OrderFlags::PRESALE_DEPOSIT),
            (Self::CROSS_BORDER, OrderFlags::CROSS_BORDER),
            (Self::GIFT_ORDER, OrderFlags::GIFT_ORDER),
            (Self::MINOR_BUYER, OrderFlags::MINOR_BUYER),
        ]
        .into_iter()
        .filter(|(flag, _)| self.contains(*flag))
        .fold(OrderFlags::empty(), |all, (_, flag)| all | flag)
    }
}

/// Maps a record field by field, both ways.
macro_rules! record {
    ($host:ident, $guest:ident, $name:ident { $($field:ident),+ }) => {
        impl super::wire::Lower for host::$host::$name {
            type Guest = guest::$guest::$name;
            fn lower(&self) -> Self::Guest {
                guest::$guest::$name { $($field: super::wire::Lower::lower(&self.$field)),+ }
            }
        }
        impl super::wire::Raise for guest::$guest::$name {
            type Host = host::$host::$name;
            fn raise(self) -> Self::Host {
                host::$host::$name { $($field: super::wire::Raise::raise(self.$field)),+ }
            }
        }
    };
}

/// Maps an enum case by case, both ways.
macro_rules! enumeration {
    ($host:ident, $guest:ident, $name:ident { $($case:ident),+ }) => {
        impl super::wire::Lower for host::$host::$name {
            type Guest = guest::$guest::$name;
            fn lower(&self) -> Self::Guest {
                match self { $(Self::$case => guest::$guest::$name::$case),+ }
            }
        }
        impl super::wire::Raise for guest::$guest::$name {
            type Host = host::$host::$name;
            fn raise(self) -> Self::Host {
                match self { $(Self::$case => host::$host::$name::$case),+ }
            }
        }
    };
}

pub(crate) use {enumeration, record};
