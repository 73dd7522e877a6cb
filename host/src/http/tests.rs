//! The interface over a real service.
