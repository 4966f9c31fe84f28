;; The inner loop of reading a page of log events: from the JSON bytes of the `events` array to text and index.
;;
;; Takes only what the service usually sends: no whitespace, the keys ingestionTime, message, timestamp, eventId and
;; logStreamName, once each, in any order. At anything else it returns -1 and the scanner in TypeScript takes over,
;; so everything unusual has one home. The caller has checked that the bytes are valid UTF-8.
;;
;; Memory: the caller places body and text; 32 bytes of slack must follow both, because 16 bytes are moved at a time.
(module
  (memory (import "env" "memory") 1)

  ;; Where the array's closing bracket was, plus one.
  (global $position (export "position") (mut i32) (i32.const 0))

  ;; 0..127: what a character after a backslash stands for (0: none of the short escapes).
  ;; 128..255: value of a hexadecimal digit plus one, by character (0: not a digit).
  ;; Both are filled by `init` into the first 256 bytes of the memory.
  (func (export "init")
    (local $i i32)
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 256))
    (i32.store8 (i32.const 0x22) (i32.const 0x22))
    (i32.store8 (i32.const 0x5c) (i32.const 0x5c))
    (i32.store8 (i32.const 0x2f) (i32.const 0x2f))
    (i32.store8 (i32.const 0x62) (i32.const 0x08))
    (i32.store8 (i32.const 0x66) (i32.const 0x0c))
    (i32.store8 (i32.const 0x6e) (i32.const 0x0a))
    (i32.store8 (i32.const 0x72) (i32.const 0x0d))
    (i32.store8 (i32.const 0x74) (i32.const 0x09))
    (loop $digits
      (i32.store8 offset=0xb0 (local.get $i) (i32.add (local.get $i) (i32.const 1)))
      (br_if $digits (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))
    (local.set $i (i32.const 0))
    (loop $letters
      (i32.store8 offset=0xc1 (local.get $i) (i32.add (local.get $i) (i32.const 11)))
      (i32.store8 offset=0xe1 (local.get $i) (i32.add (local.get $i) (i32.const 11)))
      (br_if $letters (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6)))))

  ;; Value of four hexadecimal digits, -1 when they are not.
  (func $hex4 (param $p i32) (result i32)
    (local $i i32) (local $c i32) (local $value i32)
    (loop $next
      (local.set $c (i32.load8_u (i32.add (local.get $p) (local.get $i))))
      (if (i32.ge_u (local.get $c) (i32.const 128)) (then (return (i32.const -1))))
      (local.set $c (i32.load8_u offset=128 (local.get $c)))
      (if (i32.eqz (local.get $c)) (then (return (i32.const -1))))
      (local.set $value (i32.or (i32.shl (local.get $value) (i32.const 4)) (i32.sub (local.get $c) (i32.const 1))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (local.get $value))

  ;; Bit i is set where byte i of 16 is a quote, a backslash or a control character: where a string may end.
  (func $stops (param $bytes v128) (result i32)
    (i8x16.bitmask
      (v128.or
        (v128.or
          (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x22)))
          (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 0x5c))))
        (i8x16.lt_u (local.get $bytes) (i8x16.splat (i32.const 0x20))))))

  ;; From behind a string's opening quote to behind its closing one; -1 when it has an escape or does not end.
  (func $skip (param $p i32) (param $end i32) (result i32)
    (local $mask i32)
    (loop $more
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const -1))))
      (local.set $mask (call $stops (v128.load (local.get $p))))
      (if (i32.eqz (local.get $mask))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 16)))
          (br $more))))
    (local.set $p (i32.add (local.get $p) (i32.ctz (local.get $mask))))
    (if (i32.ne (i32.load8_u (local.get $p)) (i32.const 0x22)) (then (return (i32.const -1))))
    (i32.add (local.get $p) (i32.const 1)))

  ;; @returns the number of events, -1 when something is unusual
  (func (export "scan")
    (param $p i32) (param $end i32) (param $out i32) (param $outEnd i32)
    (param $lead i32) (param $newline i32) (param $ends i32) (param $times i32) (param $most i32)
    (result i32)
    (local $count i32) (local $textStart i32) (local $start i32) (local $seen i32) (local $c i32) (local $mask i32)
    (local $digits i32) (local $unit i32) (local $low i32)
    (local $time i64) (local $key i64)
    (local $bytes v128)
    (local.set $textStart (local.get $out))

    (loop $event
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const -1))))
      (if (i32.ne (i32.load8_u (local.get $p)) (i32.const 0x7b)) (then (return (i32.const -1))))
      (if (i32.ge_u (local.get $count) (local.get $most)) (then (return (i32.const -1))))
      ;; Whatever the message is, it is not longer than what is left of the body.
      (if (i32.gt_u
            (i32.add (i32.add (local.get $out) (local.get $lead)) (i32.sub (local.get $end) (local.get $p)))
            (local.get $outEnd))
        (then (return (i32.const -1))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (local.set $out (i32.add (local.get $out) (local.get $lead)))
      (local.set $start (local.get $out))
      (local.set $seen (i32.const 0))
      (local.set $time (i64.const 0))

      (loop $member
        (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const -1))))
        (local.set $key (i64.load (local.get $p)))
        (block $value
          ;; "message":"
          (if (i64.eq (local.get $key) (i64.const 0x6567617373656d22))
            (then
              (if (i32.ne
                    (i32.and (i32.load offset=8 (local.get $p)) (i32.const 0xffffff))
                    (i32.const 0x223a22))
                (then (return (i32.const -1))))
              (if (i32.and (local.get $seen) (i32.const 1)) (then (return (i32.const -1))))
              (local.set $seen (i32.or (local.get $seen) (i32.const 1)))
              (local.set $p (i32.add (local.get $p) (i32.const 11)))
              (loop $copy
                (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const -1))))
                (local.set $bytes (v128.load (local.get $p)))
                (v128.store (local.get $out) (local.get $bytes))
                (local.set $mask (call $stops (local.get $bytes)))
                (if (i32.eqz (local.get $mask))
                  (then
                    (local.set $p (i32.add (local.get $p) (i32.const 16)))
                    (local.set $out (i32.add (local.get $out) (i32.const 16)))
                    (br $copy)))
                (local.set $mask (i32.ctz (local.get $mask)))
                (local.set $p (i32.add (local.get $p) (local.get $mask)))
                (local.set $out (i32.add (local.get $out) (local.get $mask)))
                (local.set $c (i32.load8_u (local.get $p)))
                (local.set $p (i32.add (local.get $p) (i32.const 1)))
                (br_if $value (i32.eq (local.get $c) (i32.const 0x22)))
                (if (i32.ne (local.get $c) (i32.const 0x5c)) (then (return (i32.const -1))))
                ;; An escape.
                (local.set $c (i32.load8_u (local.get $p)))
                (local.set $p (i32.add (local.get $p) (i32.const 1)))
                (if (i32.ne (local.get $c) (i32.const 0x75))
                  (then
                    (if (i32.ge_u (local.get $c) (i32.const 128)) (then (return (i32.const -1))))
                    (local.set $c (i32.load8_u (local.get $c)))
                    (if (i32.eqz (local.get $c)) (then (return (i32.const -1))))
                    (i32.store8 (local.get $out) (local.get $c))
                    (local.set $out (i32.add (local.get $out) (i32.const 1)))
                    (br $copy)))
                (local.set $unit (call $hex4 (local.get $p)))
                (if (i32.lt_s (local.get $unit) (i32.const 0)) (then (return (i32.const -1))))
                (local.set $p (i32.add (local.get $p) (i32.const 4)))
                (if (i32.lt_u (local.get $unit) (i32.const 0x80))
                  (then
                    (i32.store8 (local.get $out) (local.get $unit))
                    (local.set $out (i32.add (local.get $out) (i32.const 1)))
                    (br $copy)))
                (if (i32.lt_u (local.get $unit) (i32.const 0x800))
                  (then
                    (i32.store8 (local.get $out) (i32.or (i32.const 0xc0) (i32.shr_u (local.get $unit) (i32.const 6))))
                    (i32.store8 offset=1 (local.get $out)
                      (i32.or (i32.const 0x80) (i32.and (local.get $unit) (i32.const 63))))
                    (local.set $out (i32.add (local.get $out) (i32.const 2)))
                    (br $copy)))
                ;; The first half of a pair, with its second: one character of four bytes.
                (if (i32.eq (i32.and (local.get $unit) (i32.const 0xfc00)) (i32.const 0xd800))
                  (then
                    (if (i32.eq (i32.load16_u (local.get $p)) (i32.const 0x755c))
                      (then
                        (local.set $low (call $hex4 (i32.add (local.get $p) (i32.const 2))))
                        (if (i32.lt_s (local.get $low) (i32.const 0)) (then (return (i32.const -1))))
                        (if (i32.eq (i32.and (local.get $low) (i32.const 0xfc00)) (i32.const 0xdc00))
                          (then
                            (local.set $p (i32.add (local.get $p) (i32.const 6)))
                            (local.set $unit
                              (i32.add
                                (i32.add
                                  (i32.shl (i32.sub (local.get $unit) (i32.const 0xd800)) (i32.const 10))
                                  (i32.sub (local.get $low) (i32.const 0xdc00)))
                                (i32.const 0x10000)))
                            (i32.store8 (local.get $out)
                              (i32.or (i32.const 0xf0) (i32.shr_u (local.get $unit) (i32.const 18))))
                            (i32.store8 offset=1 (local.get $out)
                              (i32.or (i32.const 0x80)
                                (i32.and (i32.shr_u (local.get $unit) (i32.const 12)) (i32.const 63))))
                            (i32.store8 offset=2 (local.get $out)
                              (i32.or (i32.const 0x80)
                                (i32.and (i32.shr_u (local.get $unit) (i32.const 6)) (i32.const 63))))
                            (i32.store8 offset=3 (local.get $out)
                              (i32.or (i32.const 0x80) (i32.and (local.get $unit) (i32.const 63))))
                            (local.set $out (i32.add (local.get $out) (i32.const 4)))
                            (br $copy)))))))
                ;; Half of a pair alone becomes U+FFFD, as in any conversion to UTF-8.
                (if (i32.eq (i32.and (local.get $unit) (i32.const 0xf800)) (i32.const 0xd800))
                  (then (local.set $unit (i32.const 0xfffd))))
                (i32.store8 (local.get $out) (i32.or (i32.const 0xe0) (i32.shr_u (local.get $unit) (i32.const 12))))
                (i32.store8 offset=1 (local.get $out)
                  (i32.or (i32.const 0x80) (i32.and (i32.shr_u (local.get $unit) (i32.const 6)) (i32.const 63))))
                (i32.store8 offset=2 (local.get $out)
                  (i32.or (i32.const 0x80) (i32.and (local.get $unit) (i32.const 63))))
                (local.set $out (i32.add (local.get $out) (i32.const 3)))
                (br $copy))))
          ;; "timestamp":
          (if (i64.eq (local.get $key) (i64.const 0x617473656d697422))
            (then
              (if (i32.ne (i32.load offset=8 (local.get $p)) (i32.const 0x3a22706d)) (then (return (i32.const -1))))
              (if (i32.and (local.get $seen) (i32.const 2)) (then (return (i32.const -1))))
              (local.set $seen (i32.or (local.get $seen) (i32.const 2)))
              (local.set $p (i32.add (local.get $p) (i32.const 12)))
              (local.set $digits (i32.const 0))
              (loop $digit
                (local.set $c (i32.sub (i32.load8_u (i32.add (local.get $p) (local.get $digits))) (i32.const 48)))
                (if (i32.lt_u (local.get $c) (i32.const 10))
                  (then
                    (local.set $time
                      (i64.add (i64.mul (local.get $time) (i64.const 10)) (i64.extend_i32_u (local.get $c))))
                    (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
                    (br_if $digit (i32.le_u (local.get $digits) (i32.const 15)))
                    (return (i32.const -1)))))
              (if (i32.eqz (local.get $digits)) (then (return (i32.const -1))))
              ;; No leading zero; what follows the digits is checked below.
              (if (i32.and (i32.gt_u (local.get $digits) (i32.const 1)) (i32.eq (i32.load8_u (local.get $p)) (i32.const 48)))
                (then (return (i32.const -1))))
              (local.set $p (i32.add (local.get $p) (local.get $digits)))
              (br $value)))
          ;; "ingestionTime":
          (if (i64.eq (local.get $key) (i64.const 0x69747365676e6922))
            (then
              (if (i64.ne (i64.load offset=8 (local.get $p)) (i64.const 0x3a22656d69546e6f))
                (then (return (i32.const -1))))
              (local.set $p (i32.add (local.get $p) (i32.const 16)))
              (local.set $digits (i32.const 0))
              (loop $digit
                (if (i32.lt_u
                      (i32.sub (i32.load8_u (i32.add (local.get $p) (local.get $digits))) (i32.const 48))
                      (i32.const 10))
                  (then
                    (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
                    (br_if $digit (i32.le_u (local.get $digits) (i32.const 15)))
                    (return (i32.const -1)))))
              (if (i32.eqz (local.get $digits)) (then (return (i32.const -1))))
              (if (i32.and (i32.gt_u (local.get $digits) (i32.const 1)) (i32.eq (i32.load8_u (local.get $p)) (i32.const 48)))
                (then (return (i32.const -1))))
              (local.set $p (i32.add (local.get $p) (local.get $digits)))
              (br $value)))
          ;; "eventId":"
          (if (i64.eq (local.get $key) (i64.const 0x6449746e65766522))
            (then
              (if (i32.ne
                    (i32.and (i32.load offset=8 (local.get $p)) (i32.const 0xffffff))
                    (i32.const 0x223a22))
                (then (return (i32.const -1))))
              (local.set $p (call $skip (i32.add (local.get $p) (i32.const 11)) (local.get $end)))
              (br_if $value (i32.ge_s (local.get $p) (i32.const 0)))
              (return (i32.const -1))))
          ;; "logStreamName":"
          (if (i64.eq (local.get $key) (i64.const 0x65727453676f6c22))
            (then
              (if (i64.ne (i64.load offset=8 (local.get $p)) (i64.const 0x3a22656d614e6d61))
                (then (return (i32.const -1))))
              (if (i32.ne (i32.load8_u offset=16 (local.get $p)) (i32.const 0x22)) (then (return (i32.const -1))))
              (local.set $p (call $skip (i32.add (local.get $p) (i32.const 17)) (local.get $end)))
              (br_if $value (i32.ge_s (local.get $p) (i32.const 0)))))
          (return (i32.const -1)))
        (local.set $c (i32.load8_u (local.get $p)))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br_if $member (i32.eq (local.get $c) (i32.const 0x2c)))
        (if (i32.ne (local.get $c) (i32.const 0x7d)) (then (return (i32.const -1)))))

      (if (local.get $newline)
        (then
          (block $ended
            (if (i32.ne (local.get $out) (local.get $start))
              (then
                (br_if $ended (i32.eq (i32.load8_u (i32.sub (local.get $out) (i32.const 1))) (i32.const 10)))))
            (i32.store8 (local.get $out) (i32.const 10))
            (local.set $out (i32.add (local.get $out) (i32.const 1))))))
      (i32.store (i32.add (local.get $ends) (i32.shl (local.get $count) (i32.const 2)))
        (i32.sub (local.get $out) (local.get $textStart)))
      (f64.store (i32.add (local.get $times) (i32.shl (local.get $count) (i32.const 3)))
        (f64.convert_i64_u (local.get $time)))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (local.set $c (i32.load8_u (local.get $p)))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $event (i32.eq (local.get $c) (i32.const 0x2c)))
      (if (i32.ne (local.get $c) (i32.const 0x5d)) (then (return (i32.const -1)))))
    (if (i32.gt_u (local.get $p) (local.get $end)) (then (return (i32.const -1))))
    (global.set $position (local.get $p))
    (local.get $count)))
