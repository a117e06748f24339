package release

import "slices"

// Catalogue is all that signed metadata says of an app.
type Catalogue struct {
	Releases []Release // in no order
	Rollouts []Rollout // at most one for a channel; a channel without one offers its newest release
	Floor    Version   // nothing older is offered to anybody; zero: none
}

// Client is who asks a Catalogue.
type Client struct {
	Channel  Channel
	Platform Platform
	Current  Version // what it runs; zero is older than everything
	ID       string  // stable and random; decides which share of a rollout it is in
}

// Offer returns what the client should run, where that is not what it runs: the newest version that its channel
// offers it. A version that stands on several channels is taken from the most stable one. It is older than
// the current one only when a rollout recalls that, and never older than the floor.
func (c Catalogue) Offer(who Client) (Release, bool) {
	var best Release
	for _, ch := range Channels() {
		if !who.Channel.Accepts(ch) {
			continue
		}
		if r, ok := c.offered(ch, who); ok && r.Version.Compare(best.Version) > 0 {
			best = r
		}
	}
	order := best.Version.Compare(who.Current)
	if best.Version.IsZero() || order == 0 || order < 0 && !c.recalled(who.Channel, who.Current) {
		return Release{}, false
	}
	return best, true
}

// Critical tells whether a release that is offered must not be put off, because
// it, or one between it and what the client runs, is critical. hours is the
// shortest deadline of these.
func (c Catalogue) Critical(who Client, offer Release) (hours int, critical bool) {
	for _, r := range c.Releases {
		passed := r.Version.Compare(who.Current) > 0 && r.Version.Compare(offer.Version) <= 0
		if !passed || !r.Critical || r.Platform != who.Platform || !who.Channel.Accepts(r.Channel) || c.recalled(who.Channel, r.Version) {
			continue
		}
		deadline := r.Deadline
		if deadline == 0 {
			deadline = DefaultDeadline
		}
		if !critical || deadline < hours {
			hours, critical = deadline, true
		}
	}
	return hours, critical
}

// offered is the newest release of one channel that the client may have.
func (c Catalogue) offered(ch Channel, who Client) (Release, bool) {
	ceiling, limited := c.ceiling(ch, who.ID)
	var best Release
	for _, r := range c.Releases {
		switch {
		case r.Platform != who.Platform || r.Channel != ch || r.Version.Compare(best.Version) <= 0:
		case limited && r.Version.Compare(ceiling) > 0:
		case r.Version.Compare(c.Floor) < 0 || c.recalled(who.Channel, r.Version):
		default:
			best = r
		}
	}
	return best, !best.Version.IsZero()
}

// ceiling is the newest version that a channel's rollout gives the client, false where there is no rollout. A
// release may lack a platform that an older one has, so the version is a bound, not the answer.
func (c Catalogue) ceiling(ch Channel, id string) (Version, bool) {
	for _, r := range c.Rollouts {
		if r.Channel != ch {
			continue
		}
		if !r.Halted && Bucket(r.Salt, id) < r.Share {
			return r.Target, true
		}
		return r.Previous, true
	}
	return Version{}, false
}

// recalled tells whether any rollout that concerns the channel takes the version back.
func (c Catalogue) recalled(ch Channel, v Version) bool {
	return slices.ContainsFunc(c.Rollouts, func(r Rollout) bool {
		return ch.Accepts(r.Channel) && slices.Contains(r.Recalled, v)
	})
}
