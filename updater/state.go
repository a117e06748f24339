package updater

import (
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// State is where the engine stands. The set is closed; the package comment draws how they follow one another.
type State string

const (
	Idle        State = "idle"         // nothing under way; with a Target: a version that waits to be asked for
	Checking    State = "checking"     // asking the feed
	Current     State = "current"      // the feed was read, and has nothing newer for this user; with a Reason: what would hinder an update
	Downloading State = "downloading"  // bytes are coming, unverified
	Staged      State = "staged"       // the new program lies beside the old one, its SHA-256 is the signed one
	Proven      State = "proven"       // it has run once, headless
	Waiting     State = "waiting"      // for a hidden window and for every hold
	Swapping    State = "swapping"     // the new program takes the old one's place on disk
	HandingOver State = "handing-over" // the new version has been started behind the old one
	Probation   State = "probation"    // the new version has taken over, the old one stands by
	Confirmed   State = "confirmed"    // the new version is good, the old one has gone
	Refused     State = "refused"      // the release could not be downloaded, proven or staged; nothing was changed
	Recalled    State = "recalled"     // the release was withdrawn before it was used
	Aborted     State = "aborted"      // the user cancelled or skipped it, or came back to the window in the middle
	RolledBack  State = "rolled-back"  // the release failed after the swap; the old version is back
)

// Hold is a named reason why a restart must wait.
type Hold struct {
	ID    string `json:"id"`
	Label string `json:"label"` // for people, in their language
}

// Pause is why a download waits. The set is closed.
type Pause string

const (
	PausedByUser    Pause = "user"    // until Resume
	PausedByMeter   Pause = "metered" // until the connection costs nothing
	PausedByBattery Pause = "battery" // until there is power
	PausedByQuiet   Pause = "quiet"   // until the quiet hours end
	PausedByHold    Pause = "hold"    // until the user wants updates again
	PausedByServer  Pause = "server"  // it did not answer, or asked to wait
)

// Progress of a download; sizes in bytes.
type Progress struct {
	Done           int64 `json:"done"`
	Total          int64 `json:"total"`
	Full           int64 `json:"full"` // what the full artifact would have cost
	BytesPerSecond int64 `json:"bytesPerSecond"`
	SecondsLeft    int64 `json:"secondsLeft"`
}

// Restored is what a new version restored of the old one's state, verified after the restore.
type Restored struct {
	Restored int      `json:"restored"`
	Total    int      `json:"total"`
	Missing  []string `json:"missing"`
}

// Back is the version before, kept on disk.
type Back struct {
	Version string `json:"version"`
	Bytes   int64  `json:"bytes"`
	Floor   string `json:"floor"` // the oldest version that is safe, where that is newer; "": one can go back
}

// Figures of the latest release worked on: bytes, and milliseconds of wall time.
type Figures struct {
	CheckBytes int64  `json:"checkBytes"`
	DownloadMS int64  `json:"downloadMs"`
	ApplyMS    int64  `json:"applyMs"`
	HandoverMS int64  `json:"handoverMs"`
	Codec      string `json:"codec"` // "zstd" for the full artifact, else the patch's codec; those of a chain joined by "+"
}

// Status is everything there is to say about the engine. Times are zero where there is none.
type Status struct {
	State         State           `json:"state"`
	Installed     string          `json:"installed"` // the version of this process
	Target        string          `json:"target"`    // the version under way, or that waits or failed; "" when there is none
	Previous      string          `json:"previous"`  // the version that stands by during probation
	Channel       release.Channel `json:"channel"`
	PatchBytes    int64           `json:"patchBytes"` // what is downloaded for Target
	FullBytes     int64           `json:"fullBytes"`  // what the full artifact would cost, compressed
	Reason        *Reason         `json:"reason"`     // why an end was reached, why the last check failed, or why the program cannot be replaced
	Progress      *Progress       `json:"progress"`
	Paused        Pause           `json:"paused"` // why the download under way waits; "" when it does not
	Holds         []Hold          `json:"holds"`
	Since         time.Time       `json:"since"`
	LastCheck     time.Time       `json:"lastCheck,omitzero"` // the last successful one
	NextCheck     time.Time       `json:"nextCheck,omitzero"` // the next one that nobody has to ask for
	ProbationEnds time.Time       `json:"probationEnds,omitzero"`
	Restored      *Restored       `json:"restored"`
	Figures       Figures         `json:"figures"`
	Critical      bool            `json:"critical"`           // Target must not be put off: it makes the program safe
	Countdown     time.Time       `json:"countdown,omitzero"` // when Target starts, whatever holds it; set only while the user is told so
	Back          *Back           `json:"back"`               // what there is to go back to; nil: nothing

	sha256 string // of Target's artifact
}
