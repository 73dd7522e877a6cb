//! Tests over everything, in one binary.

mod acts;
mod backtests;
mod backup;
mod bad_input;
mod blacklist;
mod compile;
mod contract;
mod crash;
mod damage;
mod decisions;
mod explanation;
mod export;
mod faults;
mod history;
mod hostile;
mod isolation;
mod ledger;
mod limits;
mod loading;
mod masked;
mod memory;
mod money;
mod privacy;
mod properties;
mod replays;
mod tidy;
