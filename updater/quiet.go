package updater

import "time"

// QuietHours are the times of the week at which nothing may happen that could be noticed. They are local times: a span that starts at 22:00
// and ends at 07:00 goes on after midnight and belongs to the day it starts on. One that starts where it ends lasts the whole day.
type QuietHours struct {
	On        bool
	From, To  int // minutes after midnight, 0 to 1439
	Days      [7]bool
	Downloads bool // they wait, too
}

// Include tells whether t lies in the quiet hours.
func (q QuietHours) Include(t time.Time) bool {
	if !q.On {
		return false
	}
	minute := t.Hour()*60 + t.Minute()
	today, yesterday := q.Days[t.Weekday()], q.Days[(t.Weekday()+6)%7]
	if q.From < q.To {
		return today && q.From <= minute && minute < q.To
	}
	return today && minute >= q.From || yesterday && minute < q.To
}

// Until is when the quiet hours that t lies in end; t itself where it lies in none.
func (q QuietHours) Until(t time.Time) time.Time {
	// Whole days can follow one another without an end; a week later everything repeats.
	for end := t; end.Sub(t) <= 8*24*time.Hour; {
		if !q.Include(end) {
			return end
		}
		next := time.Date(end.Year(), end.Month(), end.Day(), q.To/60, q.To%60, 0, 0, end.Location())
		if !next.After(end) {
			next = time.Date(end.Year(), end.Month(), end.Day()+1, q.To/60, q.To%60, 0, 0, end.Location())
		}
		end = next
	}
	return t.Add(7 * 24 * time.Hour)
}
