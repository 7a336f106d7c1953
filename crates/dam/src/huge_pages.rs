//! Large pages for large memory.
//!
//! Compressing an engine's packages looks up half a gigabyte of tables in no order: with pages of 4 KiB most of the time goes
//! into finding pages. Linux gives large ones to who asks (`transparent_hugepage/enabled` is `madvise` on Ubuntu and Fedora),
//! and the allocator of glibc asks only if an environment variable says so before the program starts. What that is worth is in
//! `docs/decisions/008-packages-are-small.md`. Source: <https://docs.kernel.org/admin-guide/mm/transhuge.html>.

use std::alloc::{GlobalAlloc, Layout, System};

use rustix::mm::{Advice, madvise};

/// The system's allocator, which asks for large pages where much memory is wanted at once.
struct HugePages;

#[global_allocator]
static ALLOCATOR: HugePages = HugePages;

/// From here on it pays, in bytes: nothing in dam is so large but the encoder's tables.
const LARGE: usize = 32 << 20;

/// The smallest page of any machine, in bytes. The system's pages may be larger; then the advice is refused, and all is as
/// without it.
const PAGE: usize = 4096;

#[allow(unsafe_code)] // an allocator is unsafe by its trait; all calls are passed on as they come
// SAFETY: all memory is the system allocator's, with the layout that the caller gave.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the system's allocator wants.
        advised(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        advised(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Asks for large pages if it is much memory. It is advice: nothing is lost where it is not taken.
fn advised(memory: *mut u8, size: usize) -> *mut u8 {
    if size >= LARGE && !memory.is_null() {
        let skipped = memory.align_offset(PAGE);
        let inside = (size - skipped) / PAGE * PAGE;
        #[allow(unsafe_code)]
        // SAFETY: these are whole pages of memory that was just allocated, and the advice changes nothing in them.
        let _ = unsafe { madvise(memory.add(skipped).cast(), inside, Advice::LinuxHugepage) };
    }
    memory
}

#[cfg(test)]
mod tests {
    #[test]
    fn large_memory_is_memory_like_any_other() {
        let mut bytes = vec![0_u8; super::LARGE + 12_345];
        assert!(bytes.iter().all(|&byte| byte == 0));
        bytes.fill(7);
        bytes.extend([8; 100]);
        assert_eq!((bytes[super::LARGE], bytes[super::LARGE + 12_345]), (7, 8));
    }
}
