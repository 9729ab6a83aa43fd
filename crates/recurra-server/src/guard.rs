//! Who may ask: keys, their rates, names by which the server may be called, and origins of pages.

use crate::problem::Problem;
use crate::queue::Client;
use crate::settings::Settings;
use anyhow::anyhow;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// A key as it is kept: never itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Whose it is.
    pub name: String,
    /// Its SHA-256.
    pub hash: [u8; 32],
    /// Questions a second, if they are limited.
    pub rate: Option<f64>,
}

impl Key {
    /// Keys, one a line: a name, the SHA-256 of the key in hexadecimal, and perhaps `rate=` questions a second. Empty lines and
    /// those that begin with `#` say nothing; `;` ends a line, too.
    ///
    /// # Errors
    /// Which line is none, and why.
    pub fn read_all(text: &str) -> anyhow::Result<Vec<Key>> {
        let mut keys: Vec<Key> = Vec::new();
        for (number, line) in (1..).zip(text.split(['\n', ';'])) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // What stands there may be a key: it is not told.
            let wrong = |what: &str| anyhow!("line {number}: expected {what}");
            let mut words = line.split_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            let hash = words.next().and_then(unhex);
            let hash = hash
                .ok_or_else(|| wrong("a name and the SHA-256 of a key, 64 hexadecimal digits"))?;
            let rate = match words.next() {
                None => None,
                Some(word) => {
                    let rate = word.strip_prefix("rate=").and_then(|n| n.parse().ok());
                    let rate = rate.filter(|r: &f64| *r > 0.0 && *r <= 1e6);
                    Some(
                        rate.ok_or_else(|| wrong("rate= and questions a second, at most 1000000"))?,
                    )
                }
            };
            if words.next().is_some() {
                return Err(wrong("nothing after the rate"));
            }
            if keys.iter().any(|key| key.name == name) {
                return Err(wrong("each name once"));
            }
            keys.push(Key { name, hash, rate });
        }
        Ok(keys)
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

struct Known {
    client: Client,
    hash: [u8; 32],
    rate: Option<Arc<DefaultDirectRateLimiter>>,
}

/// See the module.
pub(crate) struct Guard {
    keys: Vec<Known>,
    /// None: any.
    hosts: Option<Vec<String>>,
    origins: Vec<String>,
}

impl Guard {
    pub(crate) fn new(settings: &Settings) -> Self {
        let keys = settings.keys.iter().map(|key| Known {
            client: format!("key:{}", key.name).into(),
            hash: key.hash,
            rate: key.rate.map(|rate| Arc::new(limiter(rate))),
        });
        // Pages can reach what listens on loopback by names of their own, which lead there.
        let local =
            settings.listen.is_none_or(|at| at.ip().is_loopback()) && settings.unix.is_none();
        let hosts = match &settings.allowed_hosts[..] {
            [] if local => Some(
                ["localhost", "127.0.0.1", "[::1]"]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            [] => None,
            [any] if any == "*" => None,
            hosts => Some(hosts.iter().map(|host| host.to_ascii_lowercase()).collect()),
        };
        Guard {
            keys: keys.collect(),
            hosts,
            origins: settings.allowed_origins.clone(),
        }
    }

    /// Refuses a request under another name, or of a page of another origin.
    ///
    /// # Errors
    /// 403; 400 for two names or none that is one.
    pub(crate) fn check_place(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
        let named = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host: Option<Authority> = match (uri.authority(), named) {
            (Some(authority), _) => Some(authority.clone()),
            (None, Some(text)) => Some(
                text.parse()
                    .map_err(|_| Problem::malformed("Host: expected a name"))?,
            ),
            (None, None) => None,
        };
        if let Some(hosts) = &self.hosts {
            let known = host.as_ref().is_some_and(|host| {
                let (whole, name) = (
                    host.as_str().to_ascii_lowercase(),
                    host.host().to_ascii_lowercase(),
                );
                hosts.iter().any(|known| *known == name || *known == whole)
            });
            if !known {
                return Err(forbidden(
                    "this server is not called by that name; --allowed-host allows one",
                ));
            }
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        let origin = origin.to_str().unwrap_or_default();
        let own = host.as_ref().is_some_and(|host| {
            let rest = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host.as_str()))
        });
        match own || self.allows_origin(origin) {
            true => Ok(()),
            false => Err(forbidden(
                "pages of that origin may not ask; --allowed-origin allows one",
            )),
        }
    }

    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        self.origins
            .iter()
            .any(|known| known == "*" || known.eq_ignore_ascii_case(origin))
    }

    /// Who asks: the key's owner, or the address where nobody needs a key.
    ///
    /// # Errors
    /// 401 without a key that is known.
    pub(crate) fn client(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Result<Asker, Problem> {
        if self.keys.is_empty() {
            let name = peer.map_or_else(|| "local".to_owned(), |ip| ip.to_string());
            return Ok(Asker {
                client: name.into(),
                rate: None,
            });
        }
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
        });
        let given = bearer.or_else(|| headers.get("x-api-key")?.to_str().ok());
        let hash: [u8; 32] = Sha256::digest(given.unwrap_or_default().as_bytes()).into();
        // All are compared, and each to its end, so that time tells nothing.
        let mut found = None;
        for known in &self.keys {
            if bool::from(known.hash.ct_eq(&hash)) {
                found = Some(known);
            }
        }
        let known = found.filter(|_| given.is_some()).ok_or_else(|| {
            let detail =
                "expected a key that is known, as `Authorization: Bearer KEY` or `X-API-Key: KEY`";
            Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        })?;
        Ok(Asker {
            client: known.client.clone(),
            rate: known.rate.clone(),
        })
    }
}

/// Who asks, and how fast it may.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) client: Client,
    rate: Option<Arc<DefaultDirectRateLimiter>>,
}

impl Asker {
    /// Who asks for what everybody may have.
    pub(crate) fn nobody() -> Self {
        Asker {
            client: "nobody".into(),
            rate: None,
        }
    }

    /// Who asks on this program's own pipes.
    pub(crate) fn local() -> Self {
        Asker {
            client: "local".into(),
            rate: None,
        }
    }

    /// Counts questions against the key's rate.
    ///
    /// # Errors
    /// 429 where there were too many of late, 422 where there are more at once than ever may be.
    pub(crate) fn count(&self, questions: usize) -> Result<(), Problem> {
        let Some(rate) = &self.rate else {
            return Ok(());
        };
        let Some(count) = u32::try_from(questions).ok().and_then(NonZeroU32::new) else {
            return Ok(());
        };
        match rate.check_n(count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                crate::measure::rejected("rate");
                Err(Problem::busy(
                    "the key's rate is exceeded",
                    wait.as_secs() + 1,
                ))
            }
            Err(most) => Err(Problem::refused(format!(
                "questions: expected at most {} at once by the key's rate, found {questions}",
                most.0
            ))),
        }
    }
}

/// So many questions a second, and ten seconds' worth at once.
fn limiter(rate: f64) -> DefaultDirectRateLimiter {
    let burst = NonZeroU32::new((rate * 10.0).ceil() as u32).unwrap_or(NonZeroU32::MIN);
    let period = Duration::from_secs_f64(1.0 / rate).max(Duration::from_nanos(1));
    let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    RateLimiter::direct(quota.allow_burst(burst))
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use axum::http::HeaderValue;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        of.iter()
            .map(|&(name, value)| {
                (
                    name.parse::<axum::http::HeaderName>().unwrap(),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn status<T>(result: Result<T, Problem>) -> u16 {
        result.map_or_else(|problem| problem.status, |_| 200)
    }

    #[test]
    fn keys_are_read_and_what_is_none_is_named_by_line() {
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        let keys = Key::read_all(&format!(
            "# who\nanna {hash}\n\nben {hash} rate=2.5 ; cleo {hash}"
        ))
        .unwrap();
        let names: Vec<_> = keys
            .iter()
            .map(|key| (key.name.as_str(), key.rate))
            .collect();
        assert_eq!(names, [("anna", None), ("ben", Some(2.5)), ("cleo", None)]);
        for wrong in [
            "anna secret",
            "anna",
            &format!("a {hash} rate=0"),
            &format!("a {hash} fast"),
            &format!("a {hash}\na {hash}"),
        ] {
            let message = Key::read_all(wrong).unwrap_err().to_string();
            assert!(
                message.starts_with("line ") && !message.contains("secret"),
                "{message}"
            );
        }
    }

    #[test]
    fn only_known_keys_get_in() {
        let mut settings = Settings::default();
        // The SHA-256 of `secret`.
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        settings.keys = Key::read_all(&format!("anna {hash} rate=0.1")).unwrap();
        let guard = Guard::new(&settings);
        let who = |of: &[_]| {
            guard
                .client(&headers(of), None)
                .map(|asker| asker.client.to_string())
        };
        assert_eq!(status(who(&[])), 401);
        assert_eq!(status(who(&[("authorization", "Bearer wrong")])), 401);
        assert_eq!(status(who(&[("authorization", "Basic secret")])), 401);
        assert_eq!(
            who(&[("authorization", "bearer secret")]).unwrap(),
            "key:anna"
        );
        assert_eq!(who(&[("x-api-key", "secret")]).unwrap(), "key:anna");
        let asker = guard
            .client(&headers(&[("x-api-key", "secret")]), None)
            .ok()
            .unwrap();
        assert_eq!(status(asker.count(1)), 200);
        let refused = asker.count(1).unwrap_err();
        assert_eq!((refused.status, refused.retry_after.is_some()), (429, true));
        assert_eq!(status(asker.count(2)), 422);
    }

    #[test]
    fn other_names_and_origins_are_refused() {
        let guard = Guard::new(&Settings::default());
        let check =
            |of: &[_]| status(guard.check_place(&headers(of), &Uri::from_static("/v1/models")));
        assert_eq!(check(&[("host", "localhost:8080")]), 200);
        assert_eq!(check(&[("host", "[::1]:8080")]), 200);
        assert_eq!(check(&[("host", "evil.example")]), 403);
        assert_eq!(check(&[]), 403);
        assert_eq!(
            check(&[
                ("host", "127.0.0.1:8080"),
                ("origin", "http://127.0.0.1:8080")
            ]),
            200
        );
        assert_eq!(
            check(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:9")]),
            403
        );
        assert_eq!(
            check(&[("host", "127.0.0.1:8080"), ("origin", "null")]),
            403
        );
        let other = Settings {
            allowed_hosts: vec!["Models.example".into()],
            allowed_origins: vec!["https://app.example".into()],
            ..Settings::default()
        };
        let guard = Guard::new(&other);
        let check = |of: &[_]| status(guard.check_place(&headers(of), &Uri::from_static("/")));
        assert_eq!(
            check(&[
                ("host", "models.example"),
                ("origin", "https://app.example")
            ]),
            200
        );
        assert_eq!(check(&[("host", "localhost")]), 403);
    }
}
