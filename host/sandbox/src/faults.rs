//! From wasmtime's errors to typed faults: by type, never by text.

use ombud_core::fault::{Fault, FaultCode};
use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::limits::{Limits, STACK_BYTES_MAX};
use crate::store::{Guest, LogFull};

/// The fault behind an error of instantiation. What is neither a trap nor a refused growth is an instance too many: everything else was
/// checked when the component was linked.
pub(crate) fn classify_start(error: &wasmtime::Error, guest: &Guest, limits: &Limits, fuel: u64) -> Fault {
    let fault = classify(error, guest, limits, fuel);
    if fault.code != FaultCode::Output {
        return fault;
    }
    Fault::new(FaultCode::Memory, format!("{} (instances_max {})", error.root_cause(), limits.instances_max))
}

/// The fault behind an error of a call.
pub(crate) fn classify(error: &wasmtime::Error, guest: &Guest, limits: &Limits, fuel: u64) -> Fault {
    if error.is::<LogFull>() {
        return Fault::new(FaultCode::Log, format!("log_bytes_max {}", limits.log_bytes_max));
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Fault::new(FaultCode::Host, "every place for instances is taken");
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Fault::new(FaultCode::Fuel, format!("fuel {fuel}")),
        Some(Trap::Interrupt) => Fault::new(FaultCode::Deadline, format!("deadline_ms {}", limits.deadline_ms)),
        Some(Trap::StackOverflow) => Fault::new(FaultCode::Stack, format!("stack of {STACK_BYTES_MAX} bytes")),
        // A guest whose allocation was refused aborts: the refusal is the cause, the trap its consequence.
        _ if guest.growth_refused => Fault::new(
            FaultCode::Memory,
            format!("memory_bytes_max {} or table_elements_max {}", limits.memory_bytes_max, limits.table_elements_max),
        ),
        Some(trap) => Fault::new(FaultCode::Trap, trap.to_string()),
        // Not a trap: the answer could not be lifted, because it is ill-formed or larger than hostcall_bytes_max.
        None => Fault::new(FaultCode::Output, format!("{} (hostcall_bytes_max {})", error.root_cause(), limits.hostcall_bytes_max)),
    }
}
