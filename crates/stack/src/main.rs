//! The command line `stack`: the payment stack, and nothing beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut program = stack::Program::new(env!("CARGO_BIN_NAME"), env!("CARGO_PKG_VERSION"));
    program.payment();
    program.main()
}
