// Has no code: its target carries the precompiled headers of the rooms of trainer/ (CMakeLists.txt).
