//! Compression of the payload.

use std::io::{self, Write};

use lzma_rust2::filter::FilterType;
use lzma_rust2::{XzOptions, XzWriter};

use crate::Architecture;

/// Begins an xz stream. Its dictionary reaches from one program to the next; rpm's decoder takes up to 100 MiB.
pub(super) fn xz<W: Write>(out: W, architecture: Architecture) -> io::Result<XzWriter<W>> {
    let mut options = XzOptions::with_preset(6);
    options.lzma_options.dict_size = 64 << 20;
    if architecture == Architecture::X86_64 {
        options.prepend_pre_filter(FilterType::BcjX86, 0);
    }
    XzWriter::new(out, options)
}
