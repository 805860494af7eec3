//! The token: used until Port refuses it or it ends, and then asked for once, for all who wait.
//!
//! Port hands out the same token until it ends, so asking ahead brings nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::record::{Line, Record, RecordEvent, milliseconds};
use crate::net::{Budget, Http};
use crate::port::{Credentials, Endpoint, Error, Exchange};
use crate::redact::{Needles, Quote, Secret, needles};
use crate::runner::Console;

/// Port allows 100 exchanges in 5 minutes, and answers with the old token until that has ended.
const BETWEEN_EXCHANGES: Duration = Duration::from_secs(1);

/// How long an exchange may take, with its retries.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(30);

/// How often a token that was refused is asked for again, since Port still hands it out.
const MOST_REPEATS: u32 = 5;

/// A token, and its number.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token.
    pub secret: Secret,
    /// How many there were before it.
    pub number: u64,
    ends: Instant,
}

/// Keeps the token.
pub struct Tokens {
    endpoint: Endpoint,
    credentials: Credentials,
    console: Console,
    current: RefCell<Option<Issued>>,
    /// Held during an exchange, with the time of the last one.
    exchange: Mutex<Option<Instant>>,
    /// Why the last exchange failed. Those who waited for it are told the same.
    failed: RefCell<Option<(u64, Quote)>>,
    exchanges: Cell<u64>,
    needles: RefCell<Rc<Needles>>,
}

impl Tokens {
    /// Keeps tokens for these credentials. `console` is where secrets are learnt; it prints nothing.
    pub fn new(endpoint: Endpoint, credentials: Credentials, console: Console) -> Self {
        // Nothing is printed: this console's output goes nowhere.
        drop(console.mask(&credentials.client_secret, []));
        let needles = RefCell::new(Rc::new(needles([&credentials.client_secret])));
        Self {
            endpoint,
            credentials,
            console,
            current: RefCell::default(),
            exchange: Mutex::default(),
            failed: RefCell::default(),
            exchanges: Cell::default(),
            needles,
        }
    }

    /// Takes a token that is there already.
    pub fn put(&self, secret: &Secret, left: Duration) {
        let old = self.current.borrow().as_ref().map(|token| token.secret.clone());
        let is_same = old.as_ref().is_some_and(|old| old.reveal() == secret.reveal());
        let number = self.current.borrow().as_ref().map_or(0, |token| token.number + u64::from(!is_same));
        *self.current.borrow_mut() = Some(Issued { secret: secret.clone(), number, ends: Instant::now() + left });
        if is_same {
            return;
        }
        drop(self.console.mask(secret, []));
        // An answer may still name the token before.
        let secrets = [Some(&self.credentials.client_secret), Some(secret), old.as_ref()];
        *self.needles.borrow_mut() = Rc::new(needles(secrets.into_iter().flatten()));
    }

    /// What must not go to the agent.
    pub fn needles(&self) -> Rc<Needles> {
        Rc::clone(&self.needles.borrow())
    }

    /// Cleans text from outside.
    pub fn quote(&self, text: &str) -> Quote {
        self.console.quote(text)
    }

    /// A token that has not ended.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(&self, http: &Http, record: &Record) -> Result<Issued, Quote> {
        let current = self.current.borrow().clone();
        match current {
            Some(token) if token.ends > Instant::now() => Ok(token),
            Some(token) => self.replace(&token, http, record).await,
            None => self.replace_number(None, http, record).await,
        }
    }

    /// Another token than this one, which was refused or has ended.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn replace(&self, used: &Issued, http: &Http, record: &Record) -> Result<Issued, Quote> {
        self.replace_number(Some(used.number), http, record).await
    }

    async fn replace_number(&self, used: Option<u64>, http: &Http, record: &Record) -> Result<Issued, Quote> {
        let asked_at = self.exchanges.get();
        let mut last = self.exchange.lock().await;
        for _ in 0..MOST_REPEATS {
            if let Some(token) = self.newer(used) {
                return Ok(token);
            }
            // What failed while this call waited has failed for it too.
            if let Some((number, why)) = &*self.failed.borrow()
                && *number > asked_at
            {
                return Err(why.clone());
            }
            if let Some(last) = *last {
                sleep_until(last + BETWEEN_EXCHANGES).await;
            }
            *last = Some(Instant::now());
            self.exchange_once(http, record).await?;
        }
        self.newer(used).ok_or_else(|| self.fail("Port hands out the same token again, which its MCP server refuses"))
    }

    /// The token, if it is another one than that.
    fn newer(&self, used: Option<u64>) -> Option<Issued> {
        self.current.borrow().clone().filter(|token| Some(token.number) != used)
    }

    async fn exchange_once(&self, http: &Http, record: &Record) -> Result<(), Quote> {
        let started = Instant::now();
        let result = self.ask(http).await;
        self.exchanges.set(self.exchanges.get() + 1);
        let ms = Some(milliseconds(started.elapsed()));
        match result {
            Ok(seconds_left) => {
                // The next call meets the same problem if the record can't be written.
                drop(record.write(Line { event: RecordEvent::Renewed, ms, seconds_left: Some(seconds_left), ..Line::default() }));
                Ok(())
            }
            Err(error) => {
                let why = self.fail(&error.to_string());
                let message = Some(why.as_str().to_owned());
                drop(record.write(Line { event: RecordEvent::RenewalFailed, ms, message, ..Line::default() }));
                Err(why)
            }
        }
    }

    /// Notes why there is no other token.
    fn fail(&self, why: &str) -> Quote {
        let why = self.quote(why);
        *self.failed.borrow_mut() = Some((self.exchanges.get(), why.clone()));
        why
    }

    /// Asks for a token, and returns how long it lives.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self, http: &Http) -> Result<u64, Error> {
        let Self { endpoint, credentials, console, .. } = self;
        let exchange = Exchange { endpoint, credentials, http, console, progress: &|_| {} };
        let token = exchange.token(&Budget::start(EXCHANGE_LIMIT)).await?;
        let left = token.left_on_arrival();
        self.put(token.secret(), left);
        Ok(left.as_secs())
    }
}
