//! What can be set: by flags, and by a file in TOML with the same names.

use crate::guard::Key;
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A model to serve.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSource {
    /// Its name in requests.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// Another size than it was trained on, as `9` or `20x40`.
    #[serde(default)]
    pub size: Option<String>,
    /// A file with other rules, for models over groups.
    #[serde(default)]
    pub rules: Option<PathBuf>,
}

impl ModelSource {
    /// A model as the command line has it: a file, or a name and a file with `=` between.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn of_flag(text: &str) -> anyhow::Result<Self> {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name.to_owned(), PathBuf::from(file)),
            None => {
                let file = PathBuf::from(text);
                let stem = file.file_stem().unwrap_or_default();
                (stem.to_string_lossy().into_owned(), file)
            }
        };
        let source = ModelSource {
            name,
            file,
            size: None,
            rules: None,
        };
        source.check()?;
        Ok(source)
    }

    fn check(&self) -> anyhow::Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let name = &self.name;
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(anyhow!(
                "model `{name}`: expected a name of 1 to 64 letters, digits, `.`, `_` and `-`; NAME=FILE gives one"
            ));
        }
        Ok(())
    }
}

/// What a request, a client and all together may cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of all bodies that are being read or worked on.
    pub bodies: usize,
    /// Questions in a request.
    pub questions: usize,
    /// Improvement steps of an attempt.
    pub steps: usize,
    /// Restarts of a question.
    pub restarts: usize,
    /// Attempts side by side.
    pub side_by_side: usize,
    /// Seconds from a request's arrival until it is refused or answered with what there is.
    pub timeout: f64,
    /// Predicted improvement steps that may wait, of all requests together.
    pub queue_steps: f64,
    /// Predicted seconds that a request may wait.
    pub wait: f64,
    /// Connections.
    pub connections: usize,
    /// Seconds for a request's head, and for an idle connection.
    pub head_timeout: f64,
    /// Seconds for a request's body.
    pub body_timeout: f64,
    /// Seconds that a stop may take.
    pub drain: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 1 << 20,
            bodies: 64 << 20,
            questions: 1024,
            steps: 256,
            restarts: 128,
            side_by_side: 16,
            timeout: 30.0,
            queue_steps: 16384.0,
            wait: 10.0,
            connections: 16384,
            head_timeout: 30.0,
            body_timeout: 15.0,
            drain: 60.0,
        }
    }
}

impl Limits {
    /// Sets one of them, as `NAME=NUMBER`.
    ///
    /// # Errors
    /// That there is none of that name, or that it is no number for it.
    pub fn set(&mut self, text: &str) -> anyhow::Result<()> {
        let (name, number) = text.split_once('=').unwrap_or((text, ""));
        let mut all = serde_json::to_value(*self)?;
        let known = all.as_object().is_some_and(|all| all.contains_key(name));
        if !known {
            let names: Vec<&String> = all
                .as_object()
                .into_iter()
                .flat_map(|all| all.keys())
                .collect();
            return Err(anyhow!("limit `{name}`: expected one of {names:?}"));
        }
        let wrong = |e| anyhow!("limit `{name}`: expected a number: {e}");
        all[name] = serde_json::from_str(number).map_err(wrong)?;
        *self = serde_json::from_value(all).map_err(wrong)?;
        Ok(())
    }

    /// Refuses what would let nothing through.
    fn check(&self) -> anyhow::Result<()> {
        let counts = [
            ("body", self.body),
            ("bodies", self.bodies),
            ("questions", self.questions),
            ("steps", self.steps),
            ("side_by_side", self.side_by_side),
            ("connections", self.connections),
        ];
        let seconds = [
            ("timeout", self.timeout),
            ("queue_steps", self.queue_steps),
            ("wait", self.wait),
            ("head_timeout", self.head_timeout),
            ("body_timeout", self.body_timeout),
            ("drain", self.drain),
        ];
        let zero = counts.iter().find(|(_, n)| *n == 0).map(|(name, _)| *name);
        let wrong = seconds.iter().find(|(_, n)| !(*n > 0.0 && *n < 1e9));
        match zero.or(wrong.map(|(name, _)| *name)) {
            Some(name) => Err(anyhow!("limits.{name}: expected a number above 0")),
            None => Ok(()),
        }
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// An object a line.
    Json,
    /// For people.
    Text,
    /// None.
    Off,
}

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate, and those up to a known one, in PEM.
    pub cert: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What to serve.
    pub models: Vec<ModelSource>,
    /// Where to listen, if by TCP.
    pub listen: Option<SocketAddr>,
    /// Where to listen, if by a Unix socket.
    pub unix: Option<PathBuf>,
    /// Threads that think.
    pub threads: usize,
    /// Where answers are kept from one run to the next.
    pub cache: Option<PathBuf>,
    /// MiB of that file.
    pub cache_size: u64,
    /// MiB of memory for answers, a model; none without.
    pub cache_memory: Option<u64>,
    /// The embedding service's route for embeddings.
    pub upstream: Option<String>,
    /// Its name for its model, where that is not the one in the models of vectors.
    pub upstream_model: Option<String>,
    /// The key that it is asked with.
    pub upstream_key: Option<String>,
    /// The least cosine at which a near question's answer is taken, before any feedback; above 1 for none.
    pub similar: Option<f32>,
    /// A folder in which what feedback teaches is kept.
    pub learnt: Option<PathBuf>,
    /// A folder with the page for `/`.
    pub page: Option<PathBuf>,
    /// Whether to serve MCP under `/mcp`.
    pub mcp: bool,
    /// What a request may cost.
    pub limits: Limits,
    /// Who may ask; everyone, if empty.
    pub keys: Vec<Key>,
    /// Names by which it may be called; see the guard for the default.
    pub allowed_hosts: Vec<String>,
    /// Pages of other origins that may ask.
    pub allowed_origins: Vec<String>,
    /// By TLS, if there.
    pub tls: Option<TlsFiles>,
    /// How logs are written.
    pub log: LogForm,
}

/// The file of `--config`: the flags' names, with `_` for `-`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigFile {
    /// What to serve, beside what the command line names.
    pub model: Vec<ModelSource>,
    /// As `--listen`.
    pub listen: Option<SocketAddr>,
    /// As `--unix`.
    pub unix: Option<PathBuf>,
    /// As `--threads`.
    pub threads: Option<usize>,
    /// As `--cache`.
    pub cache: Option<PathBuf>,
    /// As `--cache-size`.
    pub cache_size: Option<u64>,
    /// As `--cache-memory`.
    pub cache_memory: Option<u64>,
    /// As `--embeddings-upstream`.
    pub embeddings_upstream: Option<String>,
    /// As `--embeddings-model`.
    pub embeddings_model: Option<String>,
    /// As `--similar`.
    pub similar: Option<f32>,
    /// As `--learnt`.
    pub learnt: Option<PathBuf>,
    /// As `--page`.
    pub page: Option<PathBuf>,
    /// As `--mcp`.
    pub mcp: bool,
    /// What a request may cost.
    pub limits: Limits,
    /// As `--keys`.
    pub keys: Option<PathBuf>,
    /// As `--allowed-host`.
    pub allowed_hosts: Vec<String>,
    /// As `--allowed-origin`.
    pub allowed_origins: Vec<String>,
    /// As `--tls-cert` and `--tls-key`.
    pub tls: Option<TlsFiles>,
    /// As `--log`.
    pub log: Option<LogForm>,
}

impl ConfigFile {
    /// Reads it; files named in it are sought from its folder.
    ///
    /// # Errors
    /// That it cannot be read, or what is wrong in it and where.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(name);
        let text = text.map_err(|e| anyhow!("{e:#}"))?;
        let mut config: ConfigFile = toml::from_str(&text)
            .map_err(|e| anyhow!("{}: {}", path.display(), e.to_string().trim_end()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let files = config
            .model
            .iter_mut()
            .flat_map(|m| [Some(&mut m.file), m.rules.as_mut()])
            .flatten()
            .chain(&mut config.unix)
            .chain(&mut config.cache)
            .chain(&mut config.learnt)
            .chain(&mut config.page)
            .chain(&mut config.keys)
            .chain(
                config
                    .tls
                    .iter_mut()
                    .flat_map(|t| [&mut t.cert, &mut t.key]),
            );
        for file in files {
            *file = folder.join(&*file);
        }
        config
            .check()
            .map_err(|e| anyhow!("{}: {e}", path.display()))?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        self.limits.check()?;
        self.model.iter().try_for_each(ModelSource::check)
    }
}

impl Default for Settings {
    /// Of a server without models that listens nowhere and logs nothing.
    fn default() -> Self {
        Settings {
            models: Vec::new(),
            listen: None,
            unix: None,
            threads: 1,
            cache: None,
            cache_size: 256,
            cache_memory: None,
            upstream: None,
            upstream_model: None,
            upstream_key: None,
            similar: None,
            learnt: None,
            page: None,
            mcp: false,
            limits: Limits::default(),
            keys: Vec::new(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            tls: None,
            log: LogForm::Off,
        }
    }
}

impl Settings {
    /// Refuses what cannot be.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.limits.check()?;
        if self.models.is_empty() {
            return Err(anyhow!("expected a model to serve, found none"));
        }
        for (i, model) in self.models.iter().enumerate() {
            model.check()?;
            if self.models[..i].iter().any(|m| m.name == model.name) {
                return Err(anyhow!(
                    "model `{}`: expected another name for each model; NAME=FILE gives one",
                    model.name
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.limits.timeout)
    }
}
