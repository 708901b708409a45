//! The payment stack with a worker: the command line of `stack`, and one more tier.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut program = stack::Program::new(env!("CARGO_BIN_NAME"), env!("CARGO_PKG_VERSION"));
    let payment = program.payment();
    program.tier::<worker::Tier>(move |wired| worker::Inputs::of(wired, &payment));
    program.checks(worker::checks);
    program.main()
}
