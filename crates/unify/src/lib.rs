//! No code: this crate only turns on features, so that every build shares one compiled set of AWS clients.
