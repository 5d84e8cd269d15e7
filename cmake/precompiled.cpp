// Has no code: its target carries the precompiled headers (PenumbraPrecompiled.cmake).
