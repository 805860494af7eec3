//! The sandbox as a program: serves until it is killed.

use std::{
    error::Error,
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{self, ExitCode},
    thread,
};

use jiff::SignedDuration;
use lexopt::{Arg, Parser, ValueExt};
use port_sandbox::{Accepts, CLIENT_ID, CLIENT_SECRET, McpMode, Options, Role, Sandbox};
use serde_json::json;

const USAGE: &str = "\
Usage: port-sandbox [OPTIONS]

Serves an embedded Port until it is killed, and prints one line of JSON that says where.

  --bind ADDR            the address to listen on (127.0.0.1)
  --port N               the port for plain HTTP (0, a free one)
  --tls-port N           the port for TLS (0, a free one)
  --name DNSNAME         a further name in the certificate; may be repeated
  --ca-file PATH         write the CA's certificate here
  --ready-file PATH      write the line of JSON here too, once it listens
  --log PATH             write a line of JSON for each request here
  --token-lifetime TIME  how long a token lives (3h)
  --role ROLE            whose tools to offer: admin or member (admin)
  --mcp-accepts ISSUER   whose tokens the MCP server takes: api, oauth or both (both)
  --stateless            MCP without sessions, answers as plain JSON
  --extra-tool NAME      offer one more tool that reads; may be repeated
  --large-tools N        offer N more tools that read, each of about 1 kB
  --page-size N          list N tools on a page (all on one)
  --rate-limit N/TIME    limit the API's token route; Port's limit is 100+10/5m, with a burst of 10
  --oauth-rate-limit N/TIME  limit the OAuth endpoint; Port's limit is 50/15m
  --help                 print this
";

#[derive(Debug, Default)]
struct Arguments {
    options: Options,
    ca_file: Option<PathBuf>,
    ready_file: Option<PathBuf>,
    help: bool,
}

fn main() -> ExitCode {
    match parse(Parser::from_env()).map_err(Into::into).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a standard error there is nobody to tell.
            let _ = writeln!(io::stderr(), "port-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut parser: Parser) -> Result<Arguments, lexopt::Error> {
    let mut arguments = Arguments::default();
    let options = &mut arguments.options;
    while let Some(argument) = parser.next()? {
        let Arg::Long(name) = argument else {
            return Err(argument.unexpected());
        };
        match name {
            "bind" => options.bind = parser.value()?.parse()?,
            "port" => options.port = parser.value()?.parse()?,
            "tls-port" => options.tls_port = parser.value()?.parse()?,
            "name" => options.names.push(parser.value()?.string()?),
            "ca-file" => arguments.ca_file = Some(parser.value()?.into()),
            "ready-file" => arguments.ready_file = Some(parser.value()?.into()),
            "log" => options.log = Some(parser.value()?.into()),
            "token-lifetime" => {
                let time = parser.value()?.parse_with(str::parse::<SignedDuration>)?;
                options.token_lifetime = time.try_into().map_err(|_| "the lifetime of a token can't be negative")?;
            }
            "role" => options.role = parser.value()?.parse_with(role)?,
            "mcp-accepts" => options.mcp_accepts = parser.value()?.parse_with(accepts)?,
            "stateless" => options.mcp_mode = McpMode::Stateless,
            "extra-tool" => options.extra_tools.push(parser.value()?.string()?),
            "large-tools" => options.large_tools = parser.value()?.parse()?,
            "page-size" => options.tools_page_size = Some(parser.value()?.parse()?),
            "rate-limit" => options.rate_limit = Some(parser.value()?.parse()?),
            "oauth-rate-limit" => options.oauth_rate_limit = Some(parser.value()?.parse()?),
            "help" => arguments.help = true,
            _ => return Err(Arg::Long(name).unexpected()),
        }
    }
    Ok(arguments)
}

fn role(text: &str) -> Result<Role, String> {
    match text {
        "admin" => Ok(Role::Admin),
        "member" => Ok(Role::Member),
        _ => Err("a role is admin or member".to_owned()),
    }
}

fn accepts(text: &str) -> Result<Accepts, String> {
    match text {
        "api" => Ok(Accepts::Api),
        "oauth" => Ok(Accepts::OAuth),
        "both" => Ok(Accepts::Both),
        _ => Err("an issuer is api, oauth or both".to_owned()),
    }
}

fn serve(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if arguments.help {
        io::stdout().write_all(USAGE.as_bytes())?;
        return Ok(());
    }
    let sandbox = Sandbox::start(arguments.options);
    if let Some(path) = arguments.ca_file {
        fs::write(path, sandbox.ca_pem())?;
    }
    let ready = json!({
        "auth_base_url": sandbox.auth_base_url(),
        "mcp_url": sandbox.mcp_url(),
        "tls_auth_base_url": sandbox.tls_auth_base_url(),
        "tls_mcp_url": sandbox.tls_mcp_url(),
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "pid": process::id(),
    });
    let ready = format!("{ready}\n");
    if let Some(path) = arguments.ready_file {
        write_whole(&path, &ready)?;
    }
    io::stdout().write_all(ready.as_bytes())?;
    io::stdout().flush()?;
    loop {
        // It may wake up for no reason.
        thread::park();
    }
}

/// Puts the file in place complete: whoever waits for it must not read half of it.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut draft = OsString::from(path);
    draft.push(".new");
    fs::write(&draft, text)?;
    fs::rename(draft, path)
}
