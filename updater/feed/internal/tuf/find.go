package tuf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/feed/internal/fault"
)

// ErrNoTarget says that no role which is trusted with the name has the target.
var ErrNoTarget = errors.New("no such target")

// edge is a role on the word of a parent.
type edge struct{ role, parent string }

// Find looks a target up: in targets, and then in the roles that it delegates
// the name to, in their order, each with its own delegations before the next
// (5.6.7). Refresh comes first.
func (c *Client) Find(target string) (found *metadata.TargetFiles, err error) {
	defer rescue(&err)
	visit, visited := []edge{{metadata.TARGETS, metadata.ROOT}}, map[string]bool{}
	for len(visit) > 0 && len(visited) < maxVisited {
		next := visit[len(visit)-1]
		visit = visit[:len(visit)-1]
		if visited[next.role] {
			continue
		}
		visited[next.role] = true
		md, err := c.load(next.role, next.parent)
		if err != nil {
			return nil, err
		}
		if t := md.Signed.Targets[target]; t != nil {
			return t, nil
		}
		below, last := delegates(md.Signed.Delegations, target)
		if last {
			visit = nil
		}
		for _, role := range slices.Backward(below) {
			visit = append(visit, edge{role, next.role})
		}
	}
	return nil, fmt.Errorf("%w: %.200q", ErrNoTarget, target)
}

// delegates lists the roles that may have the target, the most trusted first;
// last says that nobody else may.
func delegates(d *metadata.Delegations, target string) (roles []string, last bool) {
	switch {
	case d == nil:
		return nil, false
	case d.SuccinctRoles != nil:
		for _, r := range d.SuccinctRoles.GetRolesForTarget(target) {
			roles = append(roles, r.Name)
		}
		return roles, true
	}
	for i := range d.Roles {
		if !Trusts(&d.Roles[i], target) {
			continue
		}
		roles = append(roles, d.Roles[i].Name)
		if d.Roles[i].Terminating {
			return roles, true
		}
	}
	return roles, false
}

// Trusts tells whether a delegation covers the target: one of its patterns does,
// folder by folder, or the name's SHA-256 begins, in hexadecimal, with one of its
// prefixes. (The library matches prefixes of base64, and patterns by the rules of
// the system that it runs on.)
func Trusts(role *metadata.DelegatedRole, target string) bool {
	if len(role.PathHashPrefixes) > 0 && len(role.Paths) == 0 {
		sum := sha256.Sum256([]byte(target))
		name := hex.EncodeToString(sum[:])
		return slices.ContainsFunc(role.PathHashPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	}
	return slices.ContainsFunc(role.Paths, func(pattern string) bool { return matches(pattern, target) })
}

func matches(pattern, target string) bool {
	patterns, names := strings.Split(pattern, "/"), strings.Split(target, "/")
	if len(patterns) != len(names) {
		return false
	}
	for i := range patterns {
		if ok, err := path.Match(patterns[i], names[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

// Verify tells whether data is the target's content: its length and all of its
// hashes, of which there must be one that is known here (5.7).
func Verify(target *metadata.TargetFiles, data []byte) error {
	return judge("the file", target.VerifyLengthHashes(data))
}

// TargetPath is where a target lies below the repository's folder of targets, as
// a part of a URL (5.7.3).
func (c *Client) TargetPath(name string, target *metadata.TargetFiles) (string, error) {
	dir, base := path.Split(name)
	if c.trusted.Root.Signed.ConsistentSnapshot {
		hash := target.Hashes["sha256"]
		if hash == nil {
			hash = target.Hashes["sha512"]
		}
		if hash == nil {
			return "", fmt.Errorf("%w: has neither a SHA-256 nor a SHA-512", fault.ErrMalformed)
		}
		base = hex.EncodeToString(hash) + "." + base
	}
	parts := strings.Split(dir+base, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/"), nil
}
