//! The memory of an instance: blocks one behind the other in an arena that the module declares, so that a usual decision never grows
//! its memory.
//!
//! Growing and shrinking again costs the host two changes of page protection for each instance, and each interrupts the other cores.
//! The arena is zero-initialised: it takes no bytes of the component, and no page of memory before a block lies in it.
//!
//! An instance lives for one call, so only the last block is ever taken back. Past the arena the memory grows as far as the sandbox
//! lets it; then the instance aborts, which the host records as a memory fault.

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32::{memory_grow, memory_size};
use std::cell::{Cell, UnsafeCell};
use std::ptr;

/// Bytes of the arena: several times what a decision on an order of 200 lines takes.
const ARENA_BYTES: usize = 512 << 10;

/// Bytes of a WebAssembly page.
const PAGE_BYTES: usize = 64 << 10;

/// Aligned like the largest block that is usual, so that the first one begins where the arena does.
#[repr(align(16))]
struct Arena(UnsafeCell<[u8; ARENA_BYTES]>);

// SAFETY: a component has one thread.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; ARENA_BYTES]));

#[global_allocator]
static BLOCKS: Blocks = {
    let start: *mut u8 = ARENA.0.get().cast();
    Blocks { next: Cell::new(start), end: Cell::new(start.wrapping_add(ARENA_BYTES)) }
};

/// What is free: from `next` to `end`.
struct Blocks {
    next: Cell<*mut u8>,
    end: Cell<*mut u8>,
}

// SAFETY: a component has one thread.
unsafe impl Sync for Blocks {}

impl Blocks {
    /// Makes the byte `bytes` behind `start` the next free one, if the memory reaches that far.
    fn advance(&self, start: *mut u8, bytes: usize) -> bool {
        // Addresses of 32 bits: what would wrap around does not fit.
        let after = start.addr().checked_add(bytes).filter(|after| *after <= self.end.get().addr());
        if let Some(after) = after {
            self.next.set(start.with_addr(after));
        }
        after.is_some()
    }

    /// A block of what is free.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let next = self.next.get();
        let start = next.with_addr(next.addr().checked_next_multiple_of(layout.align())?);
        self.advance(start, layout.size()).then_some(start)
    }

    /// Grows the memory by whole pages. They extend what is free where that ends with the memory; otherwise they take its place.
    #[cold]
    fn grow(&self, bytes: usize) -> bool {
        let pages = bytes.div_ceil(PAGE_BYTES);
        let before = memory_grow::<0>(pages);
        if before == usize::MAX {
            return false;
        }
        let start = ptr::with_exposed_provenance_mut(before * PAGE_BYTES);
        if start != self.end.get() {
            self.next.set(start);
        }
        self.end.set(start.wrapping_add(pages * PAGE_BYTES));
        true
    }

    fn is_last(&self, block: *mut u8, bytes: usize) -> bool {
        block.wrapping_add(bytes) == self.next.get()
    }

    fn ends_with_the_memory(&self) -> bool {
        self.end.get().addr() == memory_size::<0>() * PAGE_BYTES
    }
}

// SAFETY: blocks do not overlap, because `next` only moves back to the start of the last one, when it is freed.
unsafe impl GlobalAlloc for Blocks {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(block) = self.take(layout) {
            return block;
        }
        let grown = self.grow(layout.size().saturating_add(layout.align()));
        grown.then(|| self.take(layout)).flatten().unwrap_or(ptr::null_mut())
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.is_last(block, layout.size()) {
            self.next.set(block);
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if self.is_last(block, layout.size()) {
            // The last block grows and shrinks where it is, on new pages too if they lie right behind it.
            let extends = || self.ends_with_the_memory() && self.grow(bytes - layout.size()) && self.advance(block, bytes);
            if self.advance(block, bytes) || extends() {
                return block;
            }
        } else if bytes <= layout.size() {
            return block;
        }
        // SAFETY: the caller vouches for `bytes` and the alignment; the new block overlaps no other.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(bytes, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(bytes));
            }
            new
        }
    }
}
