package plan

import (
	"math/bits"
	"time"
)

// Cost is what things take on the client's machine. Fields that are zero have the defaults, which are what one core of a
// server did, about halved: what counts is how they compare. Downloading takes so much longer than anything else that bytes decide
// unless two ways are close.
type Cost struct {
	Download int64            // bytes per second
	Unpack   int64            // bytes of an artifact per second, made of the full download
	Apply    map[string]int64 // bytes of an artifact per second, made by a codec's patch and verified
	Other    int64            // the same for codecs that Apply does not have
	Step     time.Duration    // for each download and what surrounds it, however small
}

// Default returns the defaults.
func Default() Cost {
	return Cost{
		Download: 2_000_000,
		Unpack:   150_000_000,
		Apply:    map[string]int64{"bsdiff": 50_000_000, "goexe": 40_000_000, "zstd": 150_000_000},
		Other:    25_000_000,
		Step:     100 * time.Millisecond,
	}
}

// complete puts defaults where nothing sensible is given.
func (c Cost) complete() Cost {
	d := Default()
	positive := func(given, otherwise int64) int64 {
		if given > 0 {
			return given
		}
		return otherwise
	}
	for codec, rate := range c.Apply {
		d.Apply[codec] = positive(rate, d.Other)
	}
	return Cost{
		Download: positive(c.Download, d.Download),
		Unpack:   positive(c.Unpack, d.Unpack),
		Apply:    d.Apply,
		Other:    positive(c.Other, d.Other),
		Step:     min(time.Duration(positive(int64(c.Step), int64(d.Step))), forever),
	}
}

func (c Cost) full(download, length int64) time.Duration {
	return c.Step + at(download, c.Download) + at(length, c.Unpack)
}

func (c Cost) patch(codec string, download, length int64) time.Duration {
	rate, known := c.Apply[codec]
	if !known {
		rate = c.Other
	}
	return c.Step + at(download, c.Download) + at(length, rate)
}

// forever is about a year. Whatever takes longer takes that long, so that sums stay within range.
const forever = time.Duration(1) << 55

// at is how long so many bytes take at a rate above 0; no bytes, or fewer, take no time.
func at(bytes, rate int64) time.Duration {
	if bytes <= 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(bytes), uint64(time.Second))
	if high >= uint64(rate) {
		return forever
	}
	nanoseconds, _ := bits.Div64(high, low, uint64(rate))
	return time.Duration(min(nanoseconds, uint64(forever)))
}
