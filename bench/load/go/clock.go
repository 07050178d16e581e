package main

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Both programs of a measurement run on one machine, so CLOCK_MONOTONIC is one clock for them. The system call is made
// once; later readings go through the run time's cheaper clock, which counts the same seconds.
var clockBase, clockOrigin = func() (int64, time.Time) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return now.Nano(), time.Now()
}()

// monotonic gives CLOCK_MONOTONIC in nanoseconds.
func monotonic() int64 {
	return clockBase + int64(time.Since(clockOrigin))
}

// Latencies summarises round trips, in microseconds.
type Latencies struct {
	Count   int     `json:"count"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
}

// summarise takes round trips in nanoseconds and the whole time they took.
func summarise(trips []int64, elapsed int64) Latencies {
	result := Latencies{Count: len(trips), Seconds: float64(elapsed) / 1e9}
	if len(trips) == 0 {
		return result
	}
	slices.Sort(trips)
	result.P50 = float64(trips[len(trips)/2]) / 1e3
	result.P99 = float64(trips[len(trips)*99/100]) / 1e3
	return result
}
