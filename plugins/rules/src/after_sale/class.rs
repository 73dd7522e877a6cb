//! Classes of reasons and categories (domain policies 5.1.1).

use crate::contract::after_sale::AfterSaleCase;
use crate::contract::types::{ItemCategory, ReasonKind};

/// Which way of the table a reason takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// N: withdrawal without a reason (消法 25).
    NoReason,
    /// F: a fault of the goods or of the delivery (消法 24).
    Fault,
    /// S: counterfeit or unsafe goods (消法 55, 食品安全法 148).
    Safety,
    /// L: the parcel never came (电商法 20).
    Lost,
    /// O: says too little to be refused by a machine.
    Open,
    /// P: the price fell after the purchase.
    PriceDrop,
}

impl Class {
    /// F or S: the seller answers for the goods.
    pub const fn is_fault(self) -> bool {
        matches!(self, Self::Fault | Self::Safety)
    }

    /// N or O: the no-reason right decides.
    pub const fn is_free(self) -> bool {
        matches!(self, Self::NoReason | Self::Open)
    }
}

/// The class of a reason.
pub const fn class_of(reason: ReasonKind) -> Class {
    use ReasonKind::*;
    match reason {
        NoReason | Dislike | SizeMismatch | StyleOrShade | ChangedMind | DuplicateOrder => Class::NoReason,
        Quality | DamagedInTransit | WrongItem | MissingItem | NotAsDescribed | Spoiled | Expired | UndisclosedDefect | Injury => {
            Class::Fault
        }
        Counterfeit | FoodSafety => Class::Safety,
        NotReceived => Class::Lost,
        LateShipment | Other => Class::Open,
        PriceDrop => Class::PriceDrop,
    }
}

/// Q reasons: what is wrong lies in the goods themselves.
pub const fn is_quality(reason: ReasonKind) -> bool {
    use ReasonKind::*;
    matches!(reason, Quality | NotAsDescribed | Expired | UndisclosedDefect | Injury | FoodSafety)
}

/// Categories that 食品安全法 148 speaks of.
pub const fn is_food(category: ItemCategory) -> bool {
    use ItemCategory::*;
    matches!(category, Food | HealthFood | Fresh | LiveAnimal | InfantFormula)
}

/// Categories with a simple remote check before anything is sent (AS-306, AS-306a).
pub const fn is_electronic(category: ItemCategory) -> bool {
    matches!(category, ItemCategory::Electronics | ItemCategory::Appliance)
}

impl AfterSaleCase {
    /// The class of the case's reason.
    pub const fn class(&self) -> Class {
        class_of(self.reason)
    }
}
