"Where known mistakes were seen: a name and, after the last space, the address of a thread or a course page"
flip = 'SciPy, issue 14369 https://github.com/scipy/scipy/issues/14369'
transposed_kernel = ('a question on convolve2d https://www.developerload.com/'
                     'why-is-the-result-of-my-conv2d-function-centrally-symmetric-with-the-result-of-scipy')
backward_flip = ('DeepLearning.AI, thread 121204 https://community.deeplearning.ai/t/'
                 'should-it-have-a-rot180-on-filter-to-calculate-da-prev/121204')
weight_gradient = ('End-to-End Machine Learning, course 322, lecture 2.5 https://end-to-end-machine-learning.'
                   'teachable.com/courses/322-convolutional-neural-networks-in-two-dimensions/lectures/24726662')
pad_order = ('DiverseBranchBlock, issue 26 https://github.com/DingXiaoH/DiverseBranchBlock/issues/26')
height_for_width = 'PaddlePaddle models, issue 3243 https://github.com/PaddlePaddle/models/issues/3243'
grid_axes = 'PyMUST, pull request 55 https://github.com/creatis-ULTIM/PyMUST/pull/55'
row_column = 'Augraphy, issue 71 https://github.com/sparkfish/augraphy/issues/71'
corner_or_center = 'ndarray-vision, issue 11 https://github.com/rust-cv/ndarray-vision/issues/11'
sum_of_weights = ('fastbook, chapter 13, whose diagonal edge kernels add up to 1 '
                  'https://github.com/fastai/fastbook/blob/master/13_convolutions.ipynb')
plus_one = ('AI Stack Exchange, question 29982 https://ai.stackexchange.com/questions/29982/'
            'why-do-we-add-1-in-the-formula-to-calculate-the-shape-of-the-output-of-the-convo')
no_stride = ('solutions to a Coursera course, pull request 34 '
             'https://github.com/Kulbear/deep-learning-coursera/pull/34')
truncated = ('Deeplearning4j, ConvolutionMode https://mgubaidullin.github.io/deeplearning4j-docs/doc/org/'
             'deeplearning4j/nn/conf/ConvolutionMode.html')
overlap = 'book-ai.org, chapter 13, section 3 https://www.book-ai.org/books/neural-networks/chapter-13/section-03'
same_side = 'TensorFlow, issue 7969 https://github.com/tensorflow/tensorflow/issues/7969'
same_too_large = 'ALF, pull request 457 https://github.com/HorizonRobotics/alf/pull/457'
same_too_small = 'Burn, issue 2676 https://github.com/tracel-ai/burn/issues/2676'
no_dilation = 'Paddle, issue 5242 https://github.com/PaddlePaddle/Paddle/issues/5242'
dilated_size = 'CUTLASS, issue 3502 https://github.com/NVIDIA/cutlass/issues/3502'
way_back = 'Keras, issue 9883 https://github.com/keras-team/keras/issues/9883'
no_output_padding = 'MLX, issue 1423 https://github.com/ml-explore/mlx/issues/1423'
one_kernel = ('PyTorch forum, thread 119441 https://discuss.pytorch.org/t/why-does-a-filter-in-depthwise-'
              'convolution-uses-only-one-kernel-for-all-channels-instead-of-unique-kernels-for-all-channels/119441')
grouped_weight = 'MLX, pull request 637 https://github.com/ml-explore/mlx/pull/637'
groups_like_one = 'Darknet, issue 5101 https://github.com/AlexeyAB/darknet/issues/5101'
group_order = 'Theano, issue 6297 https://github.com/Theano/Theano/issues/6297'
flops_and_macs = ('flops-counter.pytorch, issue 40 https://github.com/sovrasov/flops-counter.pytorch/issues/40')
flops_without_groups = 'Paddle, pull request 24848 https://github.com/PaddlePaddle/Paddle/pull/24848'
depthwise_once = 'PaddlePaddle models, issue 3890 https://github.com/PaddlePaddle/models/issues/3890'
no_channels = ('Crucial Exams, question 36492 https://crucialexams.com/study/questions/dy0-001/'
               'during-a-model-audit-you-examine-the-first-convolutional-layer-of-an/36492')
no_activation = ('Cross Validated, question 578762 https://stats.stackexchange.com/questions/578762/'
                 'when-i-do-not-add-an-activation-function-to-my-convolutional-layer-the-model-get')
stacked = ('fast.ai forum, thread 64006 https://forums.fast.ai/t/'
           'receptive-field-for-stacked-convolutions/64006')
whole_kernel = 'keras-tcn, issue 196 https://github.com/philipperemy/keras-tcn/issues/196'
letters = ('Stack Overflow, question 20548830 https://stackoverflow.com/questions/20548830/'
           'am-i-missing-something-or-is-this-microsoft-algorithm-for-calculating-the-excel')
from_zero = ('Stack Overflow, question 23861680 https://stackoverflow.com/questions/23861680/'
             'convert-spreadsheet-number-to-column-letter')
dollar = ('upgradenrepair.com, protect formula https://upgradenrepair.com/msoffice/applications/Excel/'
          'Howtouse/protectformula.htm')
dormant = 'DrM, issue 4 https://github.com/XuGW-Kevin/DrM/issues/4'
first_sample = 'NeuroBench, issue 258 https://github.com/NeuroBench/neurobench/issues/258'
bias_before_weight = 'course-v3, issue 395 https://github.com/fastai/course-v3/issues/395'
decay_position = 'GPT-NeoX, pull request 1008 https://github.com/EleutherAI/gpt-neox/pull/1008'
last_epoch = 'MMCV, issue 519 https://github.com/open-mmlab/mmcv/issues/519'
final_factor = 'nupic.research, pull request 360 https://github.com/numenta/nupic.research/pull/360'
end_of_range = 'pytorch-lr-finder, pull request 42 https://github.com/davidtvs/pytorch-lr-finder/pull/42'
conv_bias = 'yolov3, issue 807 https://github.com/ultralytics/yolov3/issues/807'
norm_shift = 'TASO, issue 47 https://github.com/jiazhihao/TASO/issues/47'
no_conv_bias = 'tt-metal, pull request 5317 https://github.com/tenstorrent/tt-metal/pull/5317'
constant_statistics = 'CrypTen, pull request 143 https://github.com/facebookresearch/CrypTen/pull/143'
epsilon = 'Merge_bn_Caffe, issue 8 https://github.com/NHZlX/Merge_bn_Caffe/issues/8'
last_terms = ('DeepLearning.AI, thread 6220 https://community.deeplearning.ai/t/'
              'exponentially-weighted-average/6220')
momentum = ('PyTorch forum, thread 13415 https://discuss.pytorch.org/t/'
            'batch-normalization-momentum-meaning/13415')
stripes = 'a question on Gabor filters https://coderapp.vercel.app/answer/48876641'
whole_vote = 'scikit-image, issue 3565 https://github.com/scikit-image/scikit-image/issues/3565'
last_bin = 'scikit-image, issue 691 https://github.com/scikit-image/scikit-image/issues/691'
clamped_bin = 'opencv_contrib, issue 1143 https://github.com/opencv/opencv_contrib/issues/1143'
half_turn = 'scikit-image, pull request 244 https://github.com/scikit-image/scikit-image/pull/244'
normal_tail = 'Mathematics Stack Exchange, question 3795024 https://math.stackexchange.com/questions/3795024'
two_sides = 'Cross Validated, question 470294 https://stats.stackexchange.com/questions/470294'
