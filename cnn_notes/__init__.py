"""Convolutional networks, learned by running them: the package that the course exports.

What the lessons teach
    kernels        a kernel on an image: `apply_kernel`, `correlate`, eight edge kernels
    geometry       `Window`: kernel size, stride, padding, dilation, and what an output sees
    matmul         a convolution as a matrix: `im2col`, `conv_matrix`, `col2im`
    models         `simple_cnn` and its parts
    counting       `count`: parameters, multiplications, and activations, layer by layer
    receptive      `receptive_field`, `precedents`, `input_box`: which pixels an activation sees
    boxes          the same for any network: one box of pixels for each activation
    framing        `frame_digit`: a photo or a drawing, in the form of MNIST
    norm           batch normalization and its relatives
    classic        Sobel, Gabor, HOG, and LBP features
    handmade       labels counted in cells, and the Gabor function closest to a kernel
    speed          `train_fast`: 99% on MNIST in seconds

To look inside a network
    tracing        `trace`: a model's operations, one record for each
    fields         what the values of a network see, position by position
    products       the multiplications of an operation
    spreadsheet    `write_workbook`: a digit and two layers as live formulas
    views          `explore_conv`, `explore_window`, `explore_network`: pictures to point at
    pictures       `gray_of`: a file, a PIL image, or an array as one tensor of gray tones
    drawing        `draw_digit`: draw a digit, and watch your network read it
    show           figures: `show_image`, `draw_windows`, `animate`

To train
    data           MNIST as tensors, and fastai's `DataLoaders` of them
    callbacks      `ActivationStats`: what each layer gives while a network trains
    activations    `ActivationRecord`: what was recorded in a fit, in numbers and pictures
    schedule       `one_cycle`: the rate and the momentum of each step
    live           `LiveSchedule`, `StepSchedule`: the schedule drawn, and given step by step

To work with the course
    exercises      `exercise('01.1')`: check, hint, solution; `progress`
    questionnaire  40 questions and 3 research tasks, with answers that are checked
    engine         reads the questions from files, and runs their checks
    texts, quiz    the questions and answers themselves, and the reader asked
    terminal       the text of a page in a terminal
    measured       `measured`: what an experiment found, and how to repeat it
    checks         `checked`: a signature says what a function takes

`help(cnn_notes.tracing.trace)` shows parameters, errors, and an example. Two modules run by
themselves: `python -m cnn_notes.questionnaire` and `python -m cnn_notes.measured`.
"""
__version__ = "0.1.0"
