//! The kernels of `src/nets/kernels/compute` with their tests, and nothing else of the studio.
//!
//! Apart so that a sanitizer need not build burn: `CONTRIBUTING.md` has the commands.
#![allow(dead_code, unused_imports, reason = "the studio's layers call what no test does")]

#[path = "../../../src/nets/kernels/compute/mod.rs"]
mod compute;
