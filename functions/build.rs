//! Links the Lambda binaries at a fixed address. Otherwise the loader relocates eleven thousand
//! pointers in each cold start, and copies every page that contains one (docs/performance.md).

#![expect(clippy::disallowed_methods, reason = "Cargo names the target in the environment")]

fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}"));
    if target("OS").as_deref() == Ok("linux") && target("ENV").as_deref() == Ok("gnu") {
        println!("cargo::rustc-link-arg=-no-pie");
    }
}
