; LightBurn Core 1.7
; Marlin device profile, absolute coords
; Bounds: X10.12 Y10.05 to X60.5 Y40.27
G00 G17 G40 G21
G90
M107
; Cut @ 1200 mm/min, 30% power
G0 X10.12 Y10.05 F6000
; Layer C00
M106 S76.5
G1 X60.5 F1200
G1 Y40.27
G1 X10.12
G1 Y10.05
M107
G0 X20 Y20 F6000
M106 S255
G1 X25.125 Y25.125 F600
M107
G90
; return to user-defined finish pos
G0 X0 Y0 F6000
M2
