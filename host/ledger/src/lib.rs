//! Record encoding, sealing of personal data, leaf hashes.
