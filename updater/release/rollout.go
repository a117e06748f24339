package release

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Shares counts how many parts all clients are divided into; a rollout's Share is so many of them.
const Shares = 10_000

// Limits of a rollout document.
const (
	maxSalt     = 64   // bytes
	maxRecalled = 64   // versions
	maxRollout  = 8192 // bytes
)

// Rollout says which release of a channel clients are to run. It is signed by the app's rollout role, whose key is
// online: it chooses among signed releases, and can do no more.
type Rollout struct {
	Channel  Channel
	Target   Version   // for the share of clients that is in
	Previous Version   // for all others, and for all while halted; zero: nothing
	Salt     string    // changes which clients come first; the same salt keeps them
	Share    int       // 0 to Shares
	Halted   bool      // nobody is in
	Recalled []Version // clients that run one of these go back to what is offered, also to an older version
}

// RolloutRole is the name of the TUF role that signs the rollouts of app.
func RolloutRole(app string) string { return app + "-rollout" }

// RolloutPath is the TUF target name of a channel's rollout. The target is its custom field; it has no content.
func RolloutPath(app string, ch Channel) string { return app + "/rollout/" + string(ch) }

// FloorPath is the TUF target name, in the release role, of the app's version floor. The target is its custom
// field; it has no content.
func FloorPath(app string) string { return app + "/floor" }

type rolloutDocument struct {
	Schema   int       `json:"schema"`
	Target   Version   `json:"target"`
	Previous Version   `json:"previous"`
	Salt     string    `json:"salt"`
	Share    int       `json:"share"`
	Halted   bool      `json:"halted"`
	Recalled []Version `json:"recalled,omitempty"`
}

type floorDocument struct {
	Schema int     `json:"schema"`
	Floor  Version `json:"floor"`
}

func (r Rollout) check() error {
	switch {
	case r.Channel.rank() < 0:
		return fmt.Errorf("channel %q does not exist", clip(string(r.Channel)))
	case r.Target.IsZero():
		return errors.New("target version is missing")
	case r.Share < 0 || r.Share > Shares:
		return fmt.Errorf("share %d: must be 0 to %d", r.Share, Shares)
	case r.Salt == "" || len(r.Salt) > maxSalt:
		return fmt.Errorf("salt of %d bytes: must be 1 to %d", len(r.Salt), maxSalt)
	case len(r.Recalled) > maxRecalled:
		return fmt.Errorf("%d recalled versions: at most %d", len(r.Recalled), maxRecalled)
	}
	for _, v := range r.Recalled {
		if v.IsZero() {
			return errors.New("a recalled version is empty")
		}
	}
	return nil
}

// EncodeRollout checks r and writes its target's custom field.
func EncodeRollout(r Rollout) (json.RawMessage, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("encode rollout: %w", err)
	}
	return json.Marshal(rolloutDocument{schema, r.Target, r.Previous, r.Salt, r.Share, r.Halted, r.Recalled})
}

// DecodeRollout reads a signed target of an app's rollout role.
func DecodeRollout(app, targetPath string, custom []byte) (Rollout, error) {
	var d rolloutDocument
	channel, ok := strings.CutPrefix(targetPath, app+"/rollout/")
	if !ok {
		return Rollout{}, fmt.Errorf("decode rollout %s: is not a rollout of %s", clip(targetPath), clip(app))
	}
	if err := unmarshal(custom, maxRollout, &d); err != nil {
		return Rollout{}, fmt.Errorf("decode rollout %s: %w", clip(targetPath), err)
	}
	r := Rollout{Channel(channel), d.Target, d.Previous, d.Salt, d.Share, d.Halted, d.Recalled}
	if err := r.check(); err != nil {
		return Rollout{}, fmt.Errorf("decode rollout %s: %w", clip(targetPath), err)
	}
	return r, nil
}

// EncodeFloor writes the custom field of an app's version floor: the oldest version that clients may still be given.
func EncodeFloor(v Version) (json.RawMessage, error) {
	if v.IsZero() {
		return nil, errors.New("encode floor: version is missing")
	}
	return json.Marshal(floorDocument{schema, v})
}

// DecodeFloor reads it.
func DecodeFloor(custom []byte) (Version, error) {
	var d floorDocument
	err := unmarshal(custom, maxRollout, &d)
	if err == nil && d.Floor.IsZero() {
		err = errors.New("version is missing")
	}
	if err != nil {
		return Version{}, fmt.Errorf("decode floor: %w", err)
	}
	return d.Floor, nil
}

// Bucket is the part of all clients, from 0 to Shares-1, that a client falls into: always the same for the same
// salt and id, and independent between salts. The id stays on the client.
func Bucket(salt, id string) int {
	sum := sha256.Sum256([]byte(salt + "\x00" + id))
	// 64 bits over 10,000 parts favour none of them by more than one in 10^15.
	return int(binary.BigEndian.Uint64(sum[:]) % Shares)
}
